"""gunicorn's gevent workers: patched before the app is loaded, and watched as a hub."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
from served import Start, app_file, eventually

from diag.plan import ServerOptions
from diag.probes.observer import Observer
from diag.recording import LaneKind

APP = """
    import time
    from gevent import monkey

    def app(environ, start_response):
        start_response("200 OK", [("content-type", "text/plain")])
        if environ["PATH_INFO"] == "/wait":
            time.sleep(0.2)
        if environ["PATH_INFO"] == "/hold":
            monkey.get_original("time", "sleep")(0.03)
        return [str(monkey.is_module_patched("time")).encode()]
    """
GEVENT = ServerOptions(server="gunicorn-gevent", loop="gevent")


def test_waiting_requests_overlap_in_one_worker(start: Start, tmp_path) -> None:
    server = start(app_file(tmp_path, APP, attribute="app", interface="wsgi"), GEVENT)
    began = time.monotonic()
    with ThreadPoolExecutor(5) as users:
        answers = list(users.map(lambda _: httpx.get(f"{server.url}/wait").text, range(5)))
    assert answers == ["True"] * 5
    assert time.monotonic() - began < 0.2 * 5


def test_what_holds_the_hub_is_a_step_and_what_waits_is_none(start: Start, tmp_path) -> None:
    with Observer("gevent-test", py_spy=False) as observer:
        app = app_file(tmp_path, APP, attribute="app", interface="wsgi")
        server = start(app, GEVENT, run_id=observer.run_id, spool=observer.spool)
        for path in ("/wait", "/hold", "/wait"):
            assert httpx.get(server.url + path).status_code == 200
        server.stop()
        seen = observer.finish()
    assert [lane.kind for lane in seen.lanes] == [LaneKind.GEVENT]
    assert len(seen.canaries) == 1
    held = [
        s for s in seen.steps if "canary" not in s.label and s.end_ns - s.start_ns > 25_000_000 and s.port
    ]
    assert len(held) == 1
    assert held[0].end_ns - held[0].start_ns < 190_000_000


def test_a_worker_that_dies_is_replaced(start: Start, tmp_path) -> None:
    server = start(app_file(tmp_path, APP, attribute="app", interface="wsgi"), GEVENT)
    (old,) = server.workers()
    os.kill(old, signal.SIGKILL)
    eventually(lambda: server.lost_workers() == (old,) and len(server.workers()) == 1)
