import contextlib, time
@contextlib.asynccontextmanager
async def lifespan(app):
    time.sleep(1)
    yield
