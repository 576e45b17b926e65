import functools, requests
load = functools.partial(requests.get, timeout=3)
async def read():
    return load("http://x")
