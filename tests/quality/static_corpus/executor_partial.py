import asyncio, requests
from functools import partial
async def read():
    loop = asyncio.get_event_loop()
    return await loop.run_in_executor(None, partial(requests.get, "http://x", timeout=3))
