import time
class Tools:
    @staticmethod
    def wait():
        time.sleep(1)
async def read():
    Tools.wait()
