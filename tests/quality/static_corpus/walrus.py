import requests
async def read():
    if session := requests.Session():
        return session.get("http://x")
