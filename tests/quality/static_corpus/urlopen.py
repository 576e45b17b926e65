from urllib import request
async def fetch(url):
    return request.urlopen(url).read()
