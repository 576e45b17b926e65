import asyncio, time
async def in_thread(*, function, seconds):
    return await asyncio.to_thread(function, seconds)
async def read():
    await in_thread(function=time.sleep, seconds=1)
