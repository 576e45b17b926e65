import redis
from fastapi import Depends
def get_client() -> redis.Redis:
    return redis.Redis()
class Cache:
    def __init__(self, client: redis.Redis = Depends(get_client)):
        self.client = client
    def get(self, key):
        return self.client.get(key)
def get_cache(client=Depends(get_client)):
    return Cache(client)
