import requests
def pages():
    for number in range(3):
        yield requests.get(f"http://x/{number}").text
async def read():
    return "".join(pages())
