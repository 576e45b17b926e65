import httpx
from fastapi import Depends, FastAPI
app = FastAPI()
async def client():
    async with httpx.AsyncClient() as made:
        yield made
@app.get("/")
async def read(http: httpx.AsyncClient = Depends(client)):
    return (await http.get("http://x")).json()
