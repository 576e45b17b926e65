import asyncio
async def work():
    return 1
async def read():
    task = asyncio.create_task(work())
    await task
    return task.result()
