import redis
def connect() -> redis.Redis: ...
async def write():
    connect().set("a", 1)
