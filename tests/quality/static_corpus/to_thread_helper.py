import asyncio, requests
def load(url):
    return requests.get(url)
async def read():
    return await asyncio.to_thread(load, "http://x")
