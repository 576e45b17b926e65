import time
def wait():
    time.sleep(1)
async def read():
    return 1
def main():
    wait()
