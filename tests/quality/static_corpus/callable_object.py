import time
class Step:
    def __call__(self):
        time.sleep(1)
step = Step()
async def read():
    step()
