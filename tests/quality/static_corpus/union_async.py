import aiohttp, httpx
async def read(client: httpx.AsyncClient | aiohttp.ClientSession):
    return await client.get("http://x")
