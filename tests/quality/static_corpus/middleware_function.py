import time
from fastapi import FastAPI
app = FastAPI()
@app.middleware("http")
async def timing(request, call_next):
    time.sleep(0.1)
    return await call_next(request)
