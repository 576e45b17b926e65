from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor()
def work():
    return 1
async def read():
    return pool.submit(work).result()
