import asyncio
async def work():
    return 1
async def read(loop):
    return asyncio.run_coroutine_threadsafe(work(), loop).result()
