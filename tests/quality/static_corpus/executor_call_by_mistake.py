import asyncio, requests
async def read():
    loop = asyncio.get_event_loop()
    return await loop.run_in_executor(None, requests.get("http://x"))
