import redis
def get_client():
    return redis.from_url("redis://x")
async def read(key):
    return get_client().hgetall(key)
