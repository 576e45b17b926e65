import asyncio
async def work():
    return 1
async def read():
    done, pending = await asyncio.wait([asyncio.create_task(work())])
    return [task.result() for task in done]
