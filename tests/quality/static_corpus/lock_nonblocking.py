import threading
lock = threading.Lock()
async def read():
    return lock.acquire(blocking=False)
