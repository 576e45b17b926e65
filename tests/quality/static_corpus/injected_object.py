import requests
class Gateway:
    def __init__(self):
        self.session = requests.Session()
    def fetch(self):
        return self.session.get("http://x")
class Service:
    def __init__(self, gateway):
        self.gateway = gateway
    async def run(self):
        return self.gateway.fetch()
service = Service(Gateway())
