import anyio
async def read():
    async with await anyio.open_file("x") as file:
        return await file.read()
