import time
CALLBACKS = []
async def read():
    CALLBACKS.append(lambda: time.sleep(1))
