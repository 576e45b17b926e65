import asyncio
async def resolve(host):
    return await asyncio.get_running_loop().getaddrinfo(host, 80)
