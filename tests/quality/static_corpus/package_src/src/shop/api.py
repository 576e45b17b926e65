from shop.work import work
async def read():
    work()
