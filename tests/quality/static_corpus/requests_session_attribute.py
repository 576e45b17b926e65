import requests
class Api:
    def __init__(self):
        self.session = requests.Session()
    async def load(self, url):
        return self.session.get(url)
