import queue
jobs = queue.Queue()
async def read():
    return jobs.get_nowait(), jobs.get(block=False), jobs.get(False)
