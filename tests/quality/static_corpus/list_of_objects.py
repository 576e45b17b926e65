import requests
sessions = [requests.Session() for _ in range(3)]
async def read():
    for session in sessions:
        session.get("http://x")
