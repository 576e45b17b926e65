import multiprocessing, time
def work():
    time.sleep(5)
def make():
    return multiprocessing.Process(target=work)
async def read():
    return make
