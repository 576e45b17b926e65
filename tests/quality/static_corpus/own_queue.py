class Queue:
    def get(self):
        return 1
jobs = Queue()
async def read():
    return jobs.get()
