import trio
async def read():
    await trio.sleep(1)
    async with await trio.open_file("x") as file:
        return await file.read()
