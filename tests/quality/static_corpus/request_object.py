import requests
import urllib.request
async def read():
    return requests.Request("GET", "http://x").prepare(), urllib.request.Request("http://x")
