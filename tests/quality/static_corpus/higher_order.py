import requests
def attempt(function, *args):
    return function(*args)
async def read():
    return attempt(requests.get, "http://x")
