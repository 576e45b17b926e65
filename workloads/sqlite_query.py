"""A synchronous sqlite3 query inside an async handler.

What blocks: `execute` runs the query; the first row of this one comes after 420,000 rows were summed.
Cause: on the CPU without the GIL: sqlite3 gives it back while the database computes. (A query that has to
    read from a disk would be waiting instead; one whose many rows become Python objects holds the GIL.)
Who suffers: every other request on the loop.
What fixes it: a thread with a connection of its own, which is what aiosqlite does.
    See clean/sqlite_in_thread.py.
"""

import contextlib
import sqlite3

import diag

QUERY = """
    WITH RECURSIVE orders(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM orders WHERE id < ?)
    SELECT sum(id * id % 7) FROM orders
"""


@diag.workload(
    kind="io",
    params={"rows": 420_000},
    expect=diag.Blocks(at="connection.execute(QUERY, (rows,))", cause="on-cpu-no-gil"),
)
def sqlite_query(rows: int) -> int:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        (total,) = connection.execute(QUERY, (rows,)).fetchone()
    return int(total)
