import requests
CONFIG = requests.get("http://x").json()
async def read():
    return CONFIG
