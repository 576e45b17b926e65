import requests
def send(url):
    return requests.post(url)
def notify(url):
    send(url)
async def read():
    notify("http://x")
