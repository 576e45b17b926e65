import functools, time
def retry(function):
    @functools.wraps(function)
    def wrapper(*args):
        for attempt in range(3):
            try:
                return function(*args)
            except OSError:
                time.sleep(2 ** attempt)
    return wrapper
@retry
def work():
    return 1
async def read():
    return work()
