from time import sleep as pause
async def read():
    pause(1)
