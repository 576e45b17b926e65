from collections import deque
jobs = deque()
async def read():
    jobs.append(1)
    return jobs.popleft()
