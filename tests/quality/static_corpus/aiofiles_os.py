import aiofiles.os
async def clean(name):
    await aiofiles.os.remove(name)
    return await aiofiles.os.listdir(".")
