import asyncio, time
def on(pool):
    def decorate(function):
        async def wrapper(*args):
            return await asyncio.get_running_loop().run_in_executor(pool, lambda: function(*args))
        return wrapper
    return decorate
@on(None)
def work():
    time.sleep(1)
async def read():
    await work()
