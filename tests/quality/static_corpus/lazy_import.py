async def read():
    import requests
    return requests.get("http://x")
