import redis
from fastapi import FastAPI, Request
app = FastAPI()
app.state.cache = redis.Redis()
@app.get("/")
async def read(request: Request):
    return request.app.state.cache.get("x")
