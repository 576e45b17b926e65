import time
from litestar import Litestar, get
@get("/")
async def read() -> str:
    time.sleep(1)
    return ""
app = Litestar([read])
