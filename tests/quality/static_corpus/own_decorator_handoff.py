import asyncio, functools, time
def threaded(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        return await asyncio.to_thread(function, *args, **kwargs)
    return wrapper
@threaded
def work():
    time.sleep(1)
async def read():
    await work()
