import asyncio
jobs = asyncio.Queue()
ready = asyncio.Event()
async def read():
    await ready.wait()
    return await jobs.get()
