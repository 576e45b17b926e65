import time
async def read():
    list(map(time.sleep, [1, 2]))
