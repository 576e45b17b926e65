import requests
from fastapi import FastAPI
app = FastAPI()
def load(url):
    return requests.get(url)
def deeper(url):
    return load(url)
@app.get("/")
def read():
    return deeper("http://x")
@app.get("/health")
async def health():
    return {}
