import threading
def work():
    pass
async def read():
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
