from .gateway import load
async def read():
    return load("http://x")
