import requests
async def read(session: requests.Session | None):
    if session:
        return session.get("http://x")
