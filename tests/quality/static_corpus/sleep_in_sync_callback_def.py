import time
class Plan:
    def wait(self):
        time.sleep(1)
async def read():
    return Plan()
