import threading, time
def work():
    time.sleep(1)
async def read():
    threading.Thread(target=work, daemon=True).start()
