"""A sqlite3 query in a thread: the counterpart of ../sqlite_query.py.

Why it is clean: sqlite3 gives the GIL back while the database computes, so the loop's thread runs beside
    it. Each call opens its own connection, because a connection belongs to the thread that made it.
Why a thread of its own, and one only: more threads that compute than cores to compute on leave the loop
    without a core, and a thread that loses its core while it holds the GIL stops the loop.
"""

import asyncio
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import diag

POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="query")
QUERY = """
    WITH RECURSIVE orders(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM orders WHERE id < ?)
    SELECT sum(id * id % 7) FROM orders
"""


def total_of(rows: int) -> int:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        (total,) = connection.execute(QUERY, (rows,)).fetchone()
    return int(total)


@diag.workload(
    kind="io",
    params={"rows": 420_000},
    expect=diag.Clean(because="another thread runs the query, and it does not hold the GIL meanwhile"),
)
async def sqlite_in_thread(rows: int) -> int:
    return await asyncio.get_running_loop().run_in_executor(POOL, total_of, rows)
