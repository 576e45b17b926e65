import time
from celery import Celery
app = Celery("x")
@app.task
def work():
    time.sleep(1)
async def read():
    work.delay()
