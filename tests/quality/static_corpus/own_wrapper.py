import asyncio, requests
async def in_thread(function, *args):
    return await asyncio.get_running_loop().run_in_executor(None, function, *args)
def load(url):
    return requests.get(url)
async def read():
    return await in_thread(load, "http://x")
