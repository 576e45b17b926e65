import json
async def read(text):
    return json.dumps(json.loads(text))
