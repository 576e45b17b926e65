import aiofiles
async def read():
    async with aiofiles.open("data.txt") as file:
        return await file.read()
