import asyncio, requests
async def read():
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: requests.get("http://x"))
