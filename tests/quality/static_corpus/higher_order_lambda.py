import time
def attempt(function):
    return function()
async def read():
    attempt(lambda: time.sleep(1))
