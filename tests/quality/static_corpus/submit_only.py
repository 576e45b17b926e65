import time
from concurrent.futures import ThreadPoolExecutor
class Pool:
    def __init__(self):
        self.pool = ThreadPoolExecutor(2)
    def start(self, function, *args):
        return self.pool.submit(function, *args)
pool = Pool()
async def read():
    pool.start(time.sleep, 1)
