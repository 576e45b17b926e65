"""A small Flask shop: `diag explain workloads/flask_shop.py`.

There is no event loop here: a request has a worker (or a worker's thread) to itself until it is answered.
What can be held is that worker; who comes when all are held waits in the accept queue, unseen by Flask.

Ground truth, by route:
    GET /health             holds its worker for less than a millisecond
    GET /items/<item_id>    the same
    GET /report             holds its worker for 60 ms, on the CPU with the GIL, so that it also slows down
                            the other threads of its process, at `revenue = sum(`
    GET /weather            holds its worker for 60 ms, waiting, at `time.sleep(0.06)`
"""

import time

from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/items/<int:item_id>")
def item(item_id: int) -> dict[str, int | str]:
    return {"id": item_id, "name": "lamp"}


@app.get("/report")
def report() -> dict[str, int]:
    revenue = sum(day * day for day in range(1_900_000))
    return {"revenue": revenue}


@app.get("/weather")
def weather() -> dict[str, str]:
    time.sleep(0.06)
    return {"weather": "sunny"}
