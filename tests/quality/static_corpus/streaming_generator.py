from fastapi import FastAPI
from fastapi.responses import StreamingResponse
app = FastAPI()
def rows(name):
    with open(name) as file:
        yield from file
@app.get("/")
async def download(name: str):
    return StreamingResponse(rows(name), media_type="text/csv")
