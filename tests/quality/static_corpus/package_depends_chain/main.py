from fastapi import Depends, FastAPI
from deps import Cache, get_cache
app = FastAPI()
@app.get("/")
async def read(cache: Cache = Depends(get_cache)):
    return cache.get("x")
