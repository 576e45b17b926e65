import asyncio, requests
def load(url):
    return requests.get(url)
async def read(urls):
    return await asyncio.gather(*[asyncio.to_thread(load, url) for url in urls])
