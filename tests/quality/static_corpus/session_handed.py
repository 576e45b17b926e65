import asyncio, requests
session = requests.Session()
async def load(url):
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, session.get, url)
