import httpx
class Sync:
    def __init__(self):
        self.client = httpx.Client()
    def get(self, url):
        return self.client.get(url)
class Async:
    def __init__(self):
        self.client = httpx.AsyncClient()
    async def get(self, url):
        return await self.client.get(url)
def choose(waits):
    return Async() if waits else Sync()
async def read():
    client = choose(True)
    return await client.get("http://x")
