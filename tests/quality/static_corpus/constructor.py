import requests
class Page:
    def __init__(self, url):
        self.body = requests.get(url).text
async def read():
    return Page("http://x").body
