import asyncio, urllib3
class Api:
    def __init__(self):
        self.pool = urllib3.PoolManager()
    async def load(self, url):
        return await asyncio.to_thread(self.pool.request, "GET", url)
