import threading
class Worker:
    def __init__(self):
        self.ready = threading.Event()
    async def run(self):
        self.ready.wait()
