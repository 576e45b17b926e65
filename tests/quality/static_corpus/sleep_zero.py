import time
async def read():
    time.sleep(0)
