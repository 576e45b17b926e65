import asyncio, requests
from concurrent.futures import ThreadPoolExecutor
async def read(urls):
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor()
    jobs = [loop.run_in_executor(pool, requests.get, url) for url in urls]
    return await asyncio.gather(*jobs)
