import asyncio, requests
async def one(url):
    return requests.get(url)
async def all_of(urls):
    return await asyncio.gather(*(one(url) for url in urls))
