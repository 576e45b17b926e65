import time
def slow():
    yield 1
    time.sleep(1)
def unused():
    return slow()
async def read():
    return unused
