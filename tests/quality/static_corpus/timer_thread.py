import threading, time
async def start():
    threading.Timer(1, lambda: time.sleep(1)).start()
