import functools, time
def timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        before = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            print(time.perf_counter() - before)
    return wrapper
@timed
def work():
    time.sleep(1)
async def read():
    work()
