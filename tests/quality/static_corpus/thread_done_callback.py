import time
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor()
def log(future):
    time.sleep(1)
async def read():
    future = pool.submit(print)
    future.add_done_callback(log)
