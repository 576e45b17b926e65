import time
def walk(depth):
    if depth:
        walk(depth - 1)
    else:
        time.sleep(1)
async def read():
    walk(3)
