import datetime
import time
async def read():
    return datetime.datetime.now().isoformat(), time.time(), time.monotonic()
