import redis.asyncio as redis
client = redis.Redis(host="x")
async def read(key):
    return await client.get(key)
