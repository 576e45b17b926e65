import time
JOBS = {}
def job(function):
    JOBS[function.__name__] = function
    return function
@job
def nightly():
    time.sleep(60)
async def names():
    return list(JOBS)
