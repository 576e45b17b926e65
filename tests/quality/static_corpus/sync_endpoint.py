import time
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
def read():
    time.sleep(0.2)
    return {}
