import requests
from apscheduler.schedulers.background import BackgroundScheduler
scheduler = BackgroundScheduler()
def poll():
    requests.get("http://x")
async def start():
    scheduler.add_job(poll, "interval", seconds=5)
