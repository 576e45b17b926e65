import asyncio
async def talk():
    reader, writer = await asyncio.open_connection("x", 80)
    writer.write(b"x")
    await writer.drain()
    return await reader.read(10)
