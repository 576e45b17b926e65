import requests
from sanic import Sanic
app = Sanic("x")
@app.get("/")
async def read(request):
    return requests.get("http://x")
