import threading, time
class Worker:
    def run(self):
        while True:
            time.sleep(1)
    async def start(self):
        threading.Thread(target=self.run).start()
