import asyncio
async def convert(name):
    child = await asyncio.create_subprocess_exec("convert", name)
    await child.communicate()
    await child.wait()
