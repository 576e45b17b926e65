import requests
async def fetch(url):
    return requests.get(url, timeout=3).json()
