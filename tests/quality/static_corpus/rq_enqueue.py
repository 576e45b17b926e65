import time
def work():
    time.sleep(5)
async def read(queue):
    queue.enqueue(work)
