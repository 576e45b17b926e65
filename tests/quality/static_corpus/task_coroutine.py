import asyncio, requests
async def poll():
    while True:
        requests.get("http://x")
        await asyncio.sleep(1)
async def main():
    asyncio.create_task(poll())
