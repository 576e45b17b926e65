import json
async def read():
    with open("x.json") as file:
        return json.load(file)
