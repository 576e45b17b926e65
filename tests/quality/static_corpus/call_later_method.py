import asyncio, time
class Clock:
    def start(self, loop: asyncio.AbstractEventLoop):
        loop.call_later(1, self.tick)
    def tick(self):
        time.sleep(1)
