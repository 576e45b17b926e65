import asyncio, time
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor()
async def read():
    return await asyncio.wrap_future(pool.submit(time.sleep, 1))
