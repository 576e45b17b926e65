import time
pause = lambda: time.sleep(1)
async def read():
    pause()
