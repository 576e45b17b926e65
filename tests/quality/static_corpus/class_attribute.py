import requests
class Api:
    http = requests.Session()
    async def load(self):
        return self.http.get("http://x")
