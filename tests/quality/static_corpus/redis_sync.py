import redis
client = redis.Redis(host="x")
async def read(key):
    return client.get(key)
