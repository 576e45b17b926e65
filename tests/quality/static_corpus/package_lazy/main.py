async def read():
    from work import work
    work()
