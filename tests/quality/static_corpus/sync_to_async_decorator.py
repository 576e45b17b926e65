import time
from asgiref.sync import sync_to_async
@sync_to_async
def work():
    time.sleep(1)
async def read():
    await work()
