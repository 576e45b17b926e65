import redis
client = redis.StrictRedis.from_url("redis://x")
async def read():
    pipe = client.pipeline()
    pipe.set("a", 1)
    return pipe.execute()
