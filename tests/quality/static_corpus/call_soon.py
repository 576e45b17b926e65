import asyncio, time
def tick():
    time.sleep(1)
async def read():
    asyncio.get_running_loop().call_soon(tick)
