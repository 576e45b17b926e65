import requests
def pages():
    for number in range(3):
        yield requests.get(f"http://x/{number}")
async def read():
    return [page.text for page in pages()]
