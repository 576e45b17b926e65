"""A big `json.dumps` inside an async handler.

What blocks: 78,000 rows turned into text by one call.
Cause: on the CPU, holding the GIL from the first row to the last: the encoder is one C function, in which
    the interpreter has no chance to let another thread run. A thread therefore helps even less here than
    it does with pure Python.
Who suffers: every other request, and every other thread.
What fixes it: pieces, with an `await` between them (and a streamed answer), or another process.
    See clean/json_in_pieces.py.
"""

import json

import diag

ROW = {"id": 7, "name": "lamp", "price": 9.99, "tags": ["light", "desk"]}


@diag.workload(
    kind="cpu",
    params={"rows": 78_000},
    expect=diag.Blocks(at="json.dumps(table)", cause="on-cpu-gil"),
)
def json_dumps(rows: int) -> int:
    table = [ROW] * rows
    text = json.dumps(table)
    return len(text)
