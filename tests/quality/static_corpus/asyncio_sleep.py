import asyncio
async def read():
    await asyncio.sleep(1)
