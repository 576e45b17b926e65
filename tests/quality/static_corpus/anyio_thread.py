import time
from anyio import to_thread
async def read():
    await to_thread.run_sync(time.sleep, 1)
