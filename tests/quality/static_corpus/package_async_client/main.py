from requests_like.session import Session
async def read():
    session = Session()
    return await session.get("http://x")
