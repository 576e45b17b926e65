import httpx
async def load(session, url):
    return await session.get(url)
async def read():
    async with httpx.AsyncClient() as session:
        return await load(session, "http://x")
