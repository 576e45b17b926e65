import requests
from fastapi import Depends, FastAPI
app = FastAPI()
def user():
    return requests.get("http://auth").json()
@app.get("/")
async def read(user=Depends(user)):
    return user
