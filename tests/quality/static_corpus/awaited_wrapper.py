import asyncio, requests
class Client:
    def _get(self, url):
        return requests.get(url)
    async def get(self, url):
        return await asyncio.to_thread(self._get, url)
client = Client()
async def read():
    return await client.get("http://x")
