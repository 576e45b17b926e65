from shop import cache as caching
async def read(key):
    return caching.cache.get(key)
