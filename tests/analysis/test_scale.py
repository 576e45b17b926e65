"""A large recording is judged in reasonable time: nothing compares every block with every request."""

from __future__ import annotations

import time

from recordings import AT_GET, AT_RUN, AT_SLEEP, Scene, waiter

from diag.rules import judge

BLOCKS, REQUESTS = 1_000, 20_000
LIMIT_S = 6.0
"""It takes 0.8 s of CPU time here; comparing all with all takes over 20 s."""


def test_a_thousand_blocks_and_twenty_thousand_requests_are_judged_in_seconds() -> None:
    scene = Scene()
    for index in range(BLOCKS):
        start = 1_000 + index * 20
        scene.request("GET /report", 20_000 + index % 200, start - 0.5, start + 15)
        waiters = [waiter(30_000 + port, start) for port in range(20)]
        frames = (AT_SLEEP, AT_GET, AT_RUN)[index % 3]
        scene.step(start, start + 12, port=20_000 + index % 200, frames=frames, waiters=waiters)
    for index in range(REQUESTS):
        at = 1_000.25 + index
        # An overloaded open load: everybody should have been sent long ago, and waits behind every block.
        scene.request("GET /health", 30_000 + index % 500, at - 0.1, at + 1, intended=1_000, app=(at, at + 1))
    recording = scene.recording()
    before = time.process_time()
    verdict = judge(recording)
    assert time.process_time() - before < LIMIT_S
    assert sum(len(found.blocks) for found in verdict.findings) == BLOCKS
