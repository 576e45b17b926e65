import time
class Slow:
    def __enter__(self):
        return self
    def __exit__(self, *error):
        time.sleep(1)
async def read():
    with Slow():
        pass
