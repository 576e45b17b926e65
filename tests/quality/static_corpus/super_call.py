import time
class Base:
    def setup(self):
        time.sleep(1)
class Child(Base):
    def setup(self):
        super().setup()
    async def run(self):
        self.setup()
