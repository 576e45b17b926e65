"""Recordings as large as wanted: an event loop that one route blocks while users of another wait."""

from __future__ import annotations

from recordings import AT_SLEEP, CANARY_END, Scene

from diag.recording import Recording

START = 1_000
EACH = 30.0
"""Milliseconds from one block to the next; a block is the first 12 of them."""

LENGTH = 12.0


def crowded(*, blocks: int, requests: int) -> Recording:
    """Blocks one after the other, each with a few requests that arrive during it and others after it.

    Args:
        blocks: how many.
        requests: how many besides those that block.
    """
    scene = Scene()
    assert scene.canaries
    assert CANARY_END < START
    per_block = max(1, requests // blocks)
    for number in range(blocks):
        at = START + number * EACH
        port = 40_000 + number % 20
        scene.step(at, at + LENGTH, frames=AT_SLEEP, port=port)
        scene.request("GET /report", port, at - 0.5, at + LENGTH + 0.5, app=(at, at + LENGTH))
        for place in range(per_block):
            sent = at + place * (EACH - 1) / per_block
            held = sent < at + LENGTH - 1
            entered = at + LENGTH + 0.1 if held else sent + 0.2
            route = ("GET /health", "GET /cart", "POST /orders")[place % 3]
            scene.request(route, 50_000 + place, sent, entered + 1.5, app=(entered, entered + 1.2))
    end = START + blocks * EACH
    return scene.recording(load_ended_ns=round(end * 1e6), ended_ns=round((end + 100) * 1e6))
