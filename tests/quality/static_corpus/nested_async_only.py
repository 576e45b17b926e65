import time
async def read():
    def inner():
        time.sleep(1)
    return inner
