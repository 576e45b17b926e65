from shop import work
async def read():
    work()
