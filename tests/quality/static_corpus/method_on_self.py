import time
class Job:
    async def run(self):
        self._step()
    def _step(self):
        self._wait()
    def _wait(self):
        time.sleep(1)
