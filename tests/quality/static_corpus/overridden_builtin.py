from aiofiles import open
async def read():
    async with open("x") as file:
        return await file.read()
