from typing import Optional
import requests
async def read(session: Optional[requests.Session] = None):
    return session.get("http://x")
