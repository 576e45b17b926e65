import requests
from starlette.concurrency import run_in_threadpool
async def read():
    return await run_in_threadpool(requests.get, "http://x")
