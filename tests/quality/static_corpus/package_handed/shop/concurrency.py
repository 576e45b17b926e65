import asyncio
async def offload(function, *args):
    return await asyncio.to_thread(function, *args)
