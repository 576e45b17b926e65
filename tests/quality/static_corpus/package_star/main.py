from shop import *
async def read():
    work()
