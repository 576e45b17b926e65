import time
from fastapi import BackgroundTasks, FastAPI
app = FastAPI()
async def work():
    time.sleep(1)
@app.post("/")
async def start(tasks: BackgroundTasks):
    tasks.add_task(work)
