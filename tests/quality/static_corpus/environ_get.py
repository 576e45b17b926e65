import os
async def read():
    return os.environ.get("X"), os.getenv("Y"), os.path.join("a", "b")
