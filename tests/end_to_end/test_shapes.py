"""Blocking code in the shapes that people write: one app, one run, and each shape is found at its line.

Each route of the app blocks in its own way, at the line with the mark ``# BLOCKS``, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from diag.diagnose import explain
from diag.finding import Cause, Finding, Severity, Status, Verdict
from diag.settings import ExplainOptions

APP = """\
import asyncio, functools, os, queue, re, subprocess, threading, time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel

HOLD = 0.02
pool = ThreadPoolExecutor(2)


@asynccontextmanager
async def lifespan(app):
    time.sleep(HOLD)
    yield
    time.sleep(HOLD)


app = FastAPI(lifespan=lifespan)


async def dependency():
    time.sleep(HOLD)  # BLOCKS GET /dependency
    yield 1


@app.get("/dependency")
async def with_dependency(value=Depends(dependency)):
    return value


async def teardown():
    yield 1
    time.sleep(HOLD)  # BLOCKS GET /teardown


@app.get("/teardown")
async def with_teardown(value=Depends(teardown)):
    return value


async def task():
    time.sleep(HOLD)  # BLOCKS GET /background


@app.get("/background")
async def background(tasks: BackgroundTasks):
    tasks.add_task(task)


@app.middleware("http")
async def middleware(request: Request, call_next):
    if request.url.path == "/middleware":
        time.sleep(HOLD)  # BLOCKS GET /middleware
    return await call_next(request)


@app.get("/middleware")
async def behind_middleware(): ...


class Refused(Exception): ...


@app.exception_handler(Refused)
async def refuse(request, error):
    time.sleep(HOLD)  # BLOCKS GET /exception
    return JSONResponse({})


@app.get("/exception")
async def exception():
    raise Refused


class Lazy:
    @property
    def total(self):
        time.sleep(HOLD)  # BLOCKS GET /property
        return 1

    def __getattr__(self, name):
        time.sleep(HOLD)  # BLOCKS GET /getattr
        return 1


@app.get("/property")
async def with_property():
    return Lazy().total


@app.get("/getattr")
async def with_getattr():
    return Lazy().anything


class Closing:
    def __del__(self):
        time.sleep(HOLD)  # BLOCKS GET /del


@app.get("/del")
async def with_del():
    Closing()


def timed(function):
    @functools.wraps(function)
    async def wrapper():
        time.sleep(HOLD)  # BLOCKS GET /decorator
        return await function()
    return wrapper


@app.get("/decorator")
@timed
async def decorated(): ...


nap = lambda: time.sleep(HOLD)  # BLOCKS GET /lambda


@app.get("/lambda")
async def with_lambda():
    nap()


@app.get("/comprehension")
async def comprehension():
    return [time.sleep(HOLD / 4) for _ in range(4)]  # BLOCKS GET /comprehension


@app.get("/class-body")
async def class_body():
    class Settings:
        time.sleep(HOLD)  # BLOCKS GET /class-body


def key(number):
    time.sleep(HOLD / 4)  # BLOCKS GET /sort-key
    return number


@app.get("/sort-key")
async def sort_key():
    return sorted(range(4), key=key)


@app.get("/substitution")
async def substitution():
    def replace(match):
        time.sleep(HOLD / 4)  # BLOCKS GET /substitution
        return "b"
    return re.sub("a", replace, "aaaa")


held = threading.Lock()


def hold(taken):
    with held:
        taken.set()
        time.sleep(HOLD)


@app.get("/lock")
async def lock():
    taken = threading.Event()
    threading.Thread(target=hold, args=(taken,)).start()
    taken.wait()
    with held:  # BLOCKS GET /lock
        pass


@app.get("/queue")
async def from_queue():
    try:
        queue.Queue().get(timeout=HOLD)  # BLOCKS GET /queue
    except queue.Empty:
        pass


@app.get("/future")
async def future():
    pool.submit(time.sleep, HOLD).result()  # BLOCKS GET /future


@app.get("/subprocess")
async def in_subprocess():
    subprocess.run(["sleep", str(HOLD)])  # BLOCKS GET /subprocess


def feed(path):
    with open(path, "w") as pipe:
        time.sleep(HOLD)
        pipe.write("x")


@app.get("/fifo")
async def fifo():
    path = f"fifo-{time.monotonic_ns()}"
    os.mkfifo(path)
    pool.submit(feed, path)
    with open(path) as pipe:
        os.unlink(path)
        return pipe.read()  # BLOCKS GET /fifo


@app.get("/stream")
async def stream():
    async def pieces():
        yield b"x"
        time.sleep(HOLD)  # BLOCKS GET /stream
        yield b"x"
    return StreamingResponse(pieces())


@app.get("/callback")
async def with_callback():
    def called(future):
        time.sleep(HOLD)  # BLOCKS GET /callback
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(called)
    future.set_result(None)
    await future


@app.get("/later")
async def later():
    def called():
        time.sleep(HOLD)  # BLOCKS GET /later
    asyncio.get_running_loop().call_later(0.002, called)


class Service:
    async def report(self):
        time.sleep(HOLD)  # BLOCKS GET /v1/method


router = APIRouter(prefix="/v1")
router.add_api_route("/method", Service().report)
app.include_router(router)

mounted = FastAPI()
app.mount("/mounted", mounted)


@mounted.get("/hello")
async def hello():
    time.sleep(HOLD)  # BLOCKS GET /mounted/hello


class Item(BaseModel):
    name: str
    price: float


@app.post("/items")
async def create(item: Item):
    time.sleep(HOLD)  # BLOCKS POST /items


@app.get("/computing")
async def computing():
    until = time.thread_time() + HOLD
    while time.thread_time() < until:  # BLOCKS GET /computing
        pass


@app.get("/clean/sleep")
async def asleep():
    await asyncio.sleep(HOLD)


@app.get("/clean/thread")
async def in_thread():
    await asyncio.to_thread(time.sleep, HOLD)


@app.get("/clean/def")
def plain():
    time.sleep(HOLD)


def slowly():
    time.sleep(HOLD)


@app.get("/clean/dependency")
async def with_plain_dependency(value=Depends(slowly)): ...


@app.get("/endless")
async def endless():
    async def events():
        while True:
            yield "data: 1\\n\\n"
            await asyncio.sleep(0.05)
    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/me")
async def me(token: Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="token"))]): ...


@app.websocket("/socket")
async def socket(socket): ...
"""
EXPECTED = {
    match[1]: number
    for number, line in enumerate(APP.splitlines(), 1)
    if (match := re.search(r"# BLOCKS (\S+ /\S+)$", line))
}
CLEAN = {"GET /clean/sleep", "GET /clean/thread", "GET /clean/def", "GET /clean/dependency"}
UNMEASURED = {"GET /endless", "GET /me", "WS /socket"}


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdict]:
    folder = tmp_path_factory.mktemp("shapes")
    (folder / "shapes.py").write_text(APP)
    before = set(folder.iterdir())
    yield explain(
        ExplainOptions(
            target="shapes.py", cwd=folder, output=folder / "run.diag", duration_ns=2_000_000_000, users=6
        )
    )
    left = {path.name for path in set(folder.iterdir()) - before}
    assert left <= {"run.diag", "__pycache__"}, "nothing else is left in the user's folder"


def errors(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.severity is Severity.ERROR]


def at(verdict: Verdict, line: int) -> Finding:
    """The one finding at a line of the app."""
    return next(f for f in errors(verdict) if f.location and f.location.line == line)


def test_the_app_has_a_mark_for_each_shape() -> None:
    assert len(EXPECTED) == 26


@pytest.mark.parametrize("route", EXPECTED)
def test_a_shape_is_found_at_its_line(route: str, verdict: Verdict) -> None:
    finding = at(verdict, EXPECTED[route])
    assert finding.location is not None
    assert finding.location.path == "shapes.py"
    assert finding.title == route
    own = [share for share in finding.causes if share.cause is not Cause.RUN_QUEUE]
    main = max(own, key=lambda share: share.ns).cause
    computing = {Cause.CPU, Cause.CPU_GIL}
    assert main in computing if route == "GET /computing" else main is Cause.WAITING


def test_nothing_else_is_found(verdict: Verdict) -> None:
    """Not the lifespan either: nobody waits while a server starts or stops."""
    marked = {("shapes.py", line) for line in EXPECTED.values()}
    others = [
        (f.title, f.location, [block.duration_ns for block in f.blocks], f.causes)
        for f in errors(verdict)
        if f.location is None or (f.location.path, f.location.line) not in marked
    ]
    assert others == []


def test_what_hands_the_thread_back_is_clean(verdict: Verdict) -> None:
    status = {handler.route: handler.status for handler in verdict.handlers}
    assert {route: status[route] for route in CLEAN} == dict.fromkeys(CLEAN, Status.CLEAN)


def test_what_cannot_be_driven_is_unmeasured(verdict: Verdict) -> None:
    missing = {one.route: one.reason for one in verdict.handlers if one.status is Status.UNMEASURED}
    assert set(missing) == UNMEASURED
    assert "text/event-stream" in missing["GET /endless"]


def test_the_canary_was_found_and_the_run_says_blocked(verdict: Verdict) -> None:
    assert verdict.quality.canary_ok
    assert (verdict.status, verdict.exit_code) == (Status.BLOCKED, 1)
