import time
async def read():
    if False:
        time.sleep(1)
    return 1
