import queue
jobs = queue.Queue()
async def read():
    return jobs.get()
