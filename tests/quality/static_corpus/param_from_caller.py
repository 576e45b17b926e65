import requests
def load(session, url):
    return session.get(url)
async def read():
    session = requests.Session()
    return load(session, "http://x")
