from concurrent.futures import ThreadPoolExecutor
async def read():
    with ThreadPoolExecutor() as pool:
        pool.submit(print)
