import requests
class Base:
    def load(self):
        return requests.get("http://x")
class Child(Base):
    async def run(self):
        return self.load()
