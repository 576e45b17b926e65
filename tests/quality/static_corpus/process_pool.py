import asyncio, hashlib
from concurrent.futures import ProcessPoolExecutor
pool = ProcessPoolExecutor()
def derive(password):
    return hashlib.pbkdf2_hmac("sha256", password, b"salt", 600_000)
async def read():
    return await asyncio.get_running_loop().run_in_executor(pool, derive, b"x")
