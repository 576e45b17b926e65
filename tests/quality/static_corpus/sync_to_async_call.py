import requests
from asgiref.sync import sync_to_async
async def read():
    return await sync_to_async(requests.get)("http://x")
