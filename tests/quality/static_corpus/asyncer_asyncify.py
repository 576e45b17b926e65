import time
from asyncer import asyncify
async def read():
    await asyncify(time.sleep)(1)
