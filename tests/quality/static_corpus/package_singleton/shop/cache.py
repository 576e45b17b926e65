import redis
cache = redis.Redis()
