import shop.deep.work
async def read():
    shop.deep.work.work()
