"""A big JSON text made in pieces: the counterpart of ../json_dumps.py.

Why it is clean: a few hundred rows take half a millisecond; after each piece the loop serves others.
Why a lock: if twenty requests did this at once, the loop would run twenty pieces before it came back to
    the rest. They take turns, one whole answer after the other. See clean/spread_steps.py.
"""

import asyncio
import json

import diag

ROW = {"id": 7, "name": "lamp", "price": 9.99, "tags": ["light", "desk"]}
PIECE = 500
ONE_AT_A_TIME = asyncio.Lock()


@diag.workload(
    kind="cpu",
    params={"rows": 78_000},
    expect=diag.Clean(because="the text is made in pieces of half a millisecond, with an await between"),
)
async def json_in_pieces(rows: int) -> int:
    table = [ROW] * rows
    length = 0
    async with ONE_AT_A_TIME:
        for start in range(0, rows, PIECE):
            length += len(json.dumps(table[start : start + PIECE]))
            await asyncio.sleep(0)
    return length
