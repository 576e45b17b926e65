import time
import a
def pause():
    time.sleep(1)
async def read():
    a.wait()
