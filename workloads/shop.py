"""A small FastAPI shop with faults in it: `diag explain workloads/shop.py`.

Ground truth, by route:
    GET /health             clean
    GET /items/{item_id}    clean (awaits its database)
    GET /catalog            clean (a `def` handler: the sleep holds one of FastAPI's threads, not the loop)
    GET /report             blocks, on the CPU holding the GIL, at `revenue = sum(`
    GET /weather            blocks, waiting, at `time.sleep(0.06)`
    POST /accounts          blocks, on the CPU without the GIL, at `hashlib.pbkdf2_hmac(`
Every route pays for those three, `/health` as much as any.
"""

import asyncio
import hashlib
import time

from fastapi import FastAPI
from pydantic import BaseModel, Field

app = FastAPI(title="shop")


class Account(BaseModel):
    name: str = Field(examples=["ada"])
    password: str = Field(examples=["correct horse"])


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/items/{item_id}")
async def item(item_id: int) -> dict[str, int | str]:
    await asyncio.sleep(0.005)  # a database that is awaited
    return {"id": item_id, "name": "lamp"}


@app.get("/catalog")
def catalog() -> list[str]:
    time.sleep(0.02)
    return ["lamp", "desk", "chair"]


@app.get("/report")
async def report() -> dict[str, int]:
    revenue = sum(day * day for day in range(1_500_000))
    return {"revenue": revenue}


@app.get("/weather")
async def weather() -> dict[str, str]:
    time.sleep(0.06)
    return {"weather": "sunny"}


@app.post("/accounts")
async def create_account(account: Account) -> dict[str, str]:
    digest = hashlib.pbkdf2_hmac("sha256", account.password.encode(), account.name.encode(), 300_000)
    return {"name": account.name, "digest": digest.hex()}
