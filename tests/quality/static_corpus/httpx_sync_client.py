import httpx
async def fetch(url):
    with httpx.Client() as client:
        return client.get(url)
