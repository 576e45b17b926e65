import time
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor()
async def start():
    pool.map(time.sleep, [1, 2])
