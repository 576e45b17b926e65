import time
from fastapi import FastAPI
app = FastAPI()
@app.on_event("startup")
async def warm():
    time.sleep(1)
