import asyncio, time
async def read():
    def inner():
        time.sleep(1)
    await asyncio.to_thread(inner)
