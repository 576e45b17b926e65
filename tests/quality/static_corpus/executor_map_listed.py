from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor()
def work(number):
    return number
async def read():
    return list(pool.map(work, range(3)))
