import asyncio, time
async def read():
    await asyncio.to_thread(time.sleep, 1)
