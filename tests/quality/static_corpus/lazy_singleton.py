import redis
_client = None
def get():
    global _client
    if _client is None:
        _client = redis.Redis()
    return _client
async def read(key):
    return get().get(key)
