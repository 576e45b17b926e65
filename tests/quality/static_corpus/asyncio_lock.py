import asyncio
lock = asyncio.Lock()
async def read():
    async with lock:
        await asyncio.sleep(0)
