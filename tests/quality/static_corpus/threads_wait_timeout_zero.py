import threading
ready = threading.Event()
async def read():
    return ready.wait(timeout=0), ready.is_set()
