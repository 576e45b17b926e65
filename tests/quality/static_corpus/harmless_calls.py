import os, threading
lock = threading.Lock()
async def read():
    with lock:
        return os.getcwd(), os.path.exists("x"), os.stat("x").st_size
