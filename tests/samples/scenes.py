"""Recordings that pages are made of: blocked, clean, a script, sync workers, unmeasured, and hostile."""

from __future__ import annotations

from compared import cell, recording, trial
from recordings import AT_ADD, AT_SLEEP, Scene, healthy, user, waiter

from diag.recording import Frame, LaneKind, Recording, RunStatus

EVIL = "</script><img src=x onerror='window.ran=1'><!-- \"'><b class=hostile>\u202e\u2028\u0000\x1b[31m{{7*7}}${7*7}"


def shop() -> Recording:
    """Two culprits, whose victims are of several routes."""
    scene = Scene()
    for number in range(12):
        at = 1_200 + 700 * number
        scene.step(at, at + 90, frames=AT_SLEEP, port=1, waiters=[waiter(3, at + 5)])
        scene.request("GET /report", 1, at - 2, at + 92, app=(at, at + 90))
        scene.step(at + 90, at + 140, cpu=50, frames=AT_ADD, port=2)
        scene.request("GET /render", 2, at + 30, at + 142, app=(at + 90, at + 140))
        scene.request("GET /cart", 3, at - 20, at + 145, app=(at - 19, at + 144))
        for user_ in range(4):
            sent = at + 12 * user_
            scene.request(
                "GET /health", 10 + user_, sent, at + 146 + user_, app=(at + 141 + user_, at + 145 + user_)
            )
    return healthy(scene).recording()


def clean() -> Recording:
    """Nothing happened."""
    return healthy(Scene()).recording()


def script() -> Recording:
    """A program with its own loop."""
    scene = Scene(kind="script")
    for number in range(5):
        at = 1_100 + 300 * number
        scene.step(
            at,
            at + 60,
            frames=AT_SLEEP,
            waiters=[waiter(since=at + 10), waiter(since=at + 20, label="other")],
        )
    return scene.recording()


def workers() -> Recording:
    """Threads of a sync worker."""
    scene = Scene(lane_kind=LaneKind.WORKER_THREAD, canary=False)
    for number in range(5):
        at = 1_100 + 300 * number
        scene.step(at, at + 100, frames=AT_SLEEP, port=1)
        scene.request("GET /report", 1, at, at + 101, app=(at, at + 100))
        scene.request("GET /health", 2, at + 50, at + 103, app=(at + 100, at + 102))
    return scene.recording()


def unmeasured() -> Recording:
    """The run failed before anything was seen."""
    return Scene().recording(status=RunStatus.FAILED, failure="the server ended with exit code 3")


def hostile() -> Recording:
    """Text that would like to be more: in paths, functions, source, routes and errors."""
    path = f"/srv/shop/{EVIL}.py"
    frames = user((2, f"f{EVIL}"), path=path)
    source = f"def f():\n    x = '{EVIL}' + '{'A' * 1_000_000}'\n"
    scene = Scene(sources={path: source}, argv=("diag", "explain", "app.py", "--header", f"X-Evil: {EVIL}"))
    route = f"GET /{EVIL}"
    for number in range(3):
        at = 1_200 + 300 * number
        scene.step(
            at, at + 90, frames=(Frame(path=f"<{EVIL}>", line=1, function=EVIL), *frames), port=1, label=EVIL
        )
        scene.request(route, 1, at - 2, at + 92, app=(at, at + 90))
        scene.request(f"GET /{'x' * 5_000}", 2, at + 10, at + 95, app=(at + 91, at + 94))
    return scene.recording(errors=(EVIL,), failure=EVIL)


def compared() -> Recording:
    """Trials of two strategies."""
    runs = []
    for number in range(1, 4):
        runs += [trial(cell("native"), number, 1_000 + number), trial(cell("blocking"), number, 100 + number)]
    return recording(runs)
