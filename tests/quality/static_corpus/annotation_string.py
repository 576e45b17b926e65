from __future__ import annotations
import requests
async def read(session: "requests.Session"):
    return session.get("http://x")
