import requests
class Base:
    def load(self):
        return requests.get("http://x")
class Child(Base):
    def load(self):
        return None
    async def run(self):
        return self.load()
