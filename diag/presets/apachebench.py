"""FastAPI against Flask as ApacheBench sees them: HTTP/1.0, and a connection for each request."""

from __future__ import annotations

from collections.abc import Sequence

from diag.comparison import ClaimVerdict
from diag.presets import explaining
from diag.presets.evidence import Evidence, rates, throughput
from diag.presets.ruling import judge_ratio
from diag.presets.words import Figure, PresetCell, PresetLoad, S

REQUESTS = 5_000
LEAST_REQUESTS = 100
LOOPS = ("uvloop", "asyncio")
"""uvicorn takes uvloop where it is installed."""

ACCESS_LOG = ("--log-level=info", "--access-log")
"""uvicorn writes a line for each request unless told not to, and was not told; gunicorn writes none."""

GUNICORN = "FastAPI, gunicorn with 4 uvicorn workers"
RELOAD = "FastAPI, uvicorn --reload"
DEVELOPMENT = "Flask-RESTful, development server"
WAITRESS = "Flask, waitress"
WORKERS = "FastAPI, uvicorn --workers 4"
SYNC = "Flask-RESTful, gunicorn with 4 sync workers"
BACKLOG = "Flask-RESTful, development server, backlog 4,096"
NO_LOG = "FastAPI, uvicorn --reload, no access log"

MANY, ONE, MORE = "concurrency 500", "concurrency 1", "concurrency 1,000"
_USERS = {MANY: 500, ONE: 1, MORE: 1_000}


def key(contest: str, label: str) -> str:
    """See `PresetCell.key`."""
    return f"{contest}: {label}"


class ApacheBench:
    """The published command was `ab -n 5000 -c 500 URL`, and again with 1 and with 1,000 at a time."""

    name = "apachebench"
    title = "FastAPI against Flask, hello JSON, as ApacheBench sends: HTTP/1.0, a connection for each request"
    scaled = "the 5,000 requests; as many users as published send them"

    def cells(self, scale: float) -> Sequence[PresetCell]:
        """See `diag.presets.words.Preset`."""
        return (
            _cell(MANY, GUNICORN, scale, 4_000, published=8_665),
            _cell(MANY, RELOAD, scale, 1_500, published=3_200),
            _cell(MANY, DEVELOPMENT, scale, 600, published=180),
            _cell(MANY, BACKLOG, scale, 600),
            _cell(MANY, SYNC, scale, 3_000),
            _cell(MANY, NO_LOG, scale, 1_800),
            _cell(ONE, GUNICORN, scale, 1_200, published=5_000 / 1.615),
            _cell(ONE, RELOAD, scale, 1_000, published=5_000 / 2.681),
            _cell(ONE, DEVELOPMENT, scale, 500, published=5_000 / 5.541),
            _cell(MORE, WAITRESS, scale, 1_500, published=1_469),
            _cell(MORE, GUNICORN, scale, 4_000, published=7_891),
            _cell(MORE, WORKERS, scale, 3_000, published=4_360),
        )

    def remark(self, scale: float) -> str:  # noqa: ARG002  # rates can be compared at any scale
        """See `diag.presets.words.Preset`."""
        return ""

    def claims(self, evidence: Evidence) -> Sequence[ClaimVerdict]:
        """See `diag.presets.words.Preset`."""
        fast, slow = key(MANY, GUNICORN), key(MANY, DEVELOPMENT)
        return (
            _claim(
                evidence,
                "FastAPI is nearly 48× faster than Flask",
                (fast, slow),
                8_665 / 180,
                (
                    *explaining.of_connecting(evidence, slow, "development server"),
                    *explaining.of_control(
                        evidence, key(MANY, BACKLOG), fast, "The same with a listen backlog of 4,096"
                    ),
                    *explaining.of_cpu(evidence, slow, fast, ("Flask-RESTful", "FastAPI")),
                    *explaining.of_cores(evidence, fast, slow),
                    *explaining.of_control(
                        evidence, key(MANY, SYNC), fast, "Flask-RESTful with 4 processes too (gunicorn, sync)"
                    ),
                ),
                quoted=True,
            ),
            _claim(
                evidence,
                "500 at a time, FastAPI is 2.7× faster on gunicorn with 4 workers than on uvicorn --reload",
                (fast, key(MANY, RELOAD)),
                8_665 / 3_200,
                (
                    *explaining.of_cores(evidence, fast, key(MANY, RELOAD)),
                    *explaining.of_control(
                        evidence, key(MANY, NO_LOG), fast, "uvicorn --reload without its access log"
                    ),
                    *explaining.of_cpu(
                        evidence, key(MANY, RELOAD), fast, ("uvicorn --reload", "gunicorn's uvicorn workers")
                    ),
                ),
            ),
            _claim(
                evidence,
                "one at a time, FastAPI is 3.4× faster than Flask",
                (key(ONE, GUNICORN), key(ONE, DEVELOPMENT)),
                5.541 / 1.615,
                (
                    *explaining.of_connecting(evidence, key(ONE, DEVELOPMENT), "development server"),
                    *explaining.of_cpu(
                        evidence, key(ONE, DEVELOPMENT), key(ONE, GUNICORN), ("Flask-RESTful", "FastAPI")
                    ),
                ),
            ),
            _claim(
                evidence,
                "1,000 at a time, FastAPI on gunicorn is 5.4× faster than Flask on waitress",
                (key(MORE, GUNICORN), key(MORE, WAITRESS)),
                7_891 / 1_469,
                (
                    *explaining.of_connecting(evidence, key(MORE, WAITRESS), "waitress"),
                    *explaining.of_cpu(
                        evidence, key(MORE, WAITRESS), key(MORE, GUNICORN), ("Flask", "FastAPI")
                    ),
                    *explaining.of_cores(evidence, key(MORE, GUNICORN), key(MORE, WAITRESS)),
                ),
            ),
            _claim(
                evidence,
                "1,000 at a time, gunicorn with uvicorn workers is 1.8× faster than uvicorn --workers 4",
                (key(MORE, GUNICORN), key(MORE, WORKERS)),
                7_891 / 4_360,
                (
                    *explaining.of_connecting(evidence, key(MORE, WORKERS), "uvicorn --workers 4"),
                    *explaining.of_cpu(
                        evidence,
                        key(MORE, WORKERS),
                        key(MORE, GUNICORN),
                        ("uvicorn --workers 4, which writes its access log", "gunicorn, which writes none"),
                    ),
                ),
            ),
        )


def _claim(
    evidence: Evidence,
    claim: str,
    keys: tuple[str, str],
    claimed: float,
    explained: tuple[str, ...],
    *,
    quoted: bool = False,
) -> ClaimVerdict:
    first, second = keys
    measured = ""
    if not evidence.missing(*keys):
        here, there = (rates(evidence.estimate(one, throughput)) for one in keys)
        measured = f"{here} against {there}"
    return judge_ratio(
        evidence,
        claim,
        first=first,
        second=second,
        value=throughput,
        claimed=claimed,
        measured=measured,
        explained=explained,
        quoted=quoted,
        bounded=True,
    )


def _cell(contest: str, label: str, scale: float, expected: int, published: float = 0) -> PresetCell:
    """A cell by its label.

    Args:
        contest: how many at a time.
        label: what serves.
        scale: of the number of requests.
        expected: requests a second, about, on a machine with 2 cores.
        published: requests a second.
    """
    users = _USERS[contest]
    total = max(users, LEAST_REQUESTS, round(REQUESTS * scale))
    server, workers, arguments = {
        GUNICORN: ("gunicorn-uvicorn", 4, ()),
        RELOAD: ("uvicorn-reload", 1, ACCESS_LOG),
        NO_LOG: ("uvicorn-reload", 1, ()),
        WORKERS: ("uvicorn", 4, ACCESS_LOG),
        DEVELOPMENT: ("werkzeug", 1, ("--access-log",)),
        BACKLOG: ("werkzeug", 1, ("--access-log", "--backlog=4096")),
        SYNC: ("gunicorn-sync", 4, ()),
        WAITRESS: ("waitress", 1, ()),
    }[label]
    asynchronous = label.startswith("FastAPI")
    return PresetCell(
        contest=contest,
        label=label,
        file="workloads/presets/hello.py",
        function="hello",
        framework="fastapi" if asynchronous else "flask" if label == WAITRESS else "flask-restful",
        server=server,
        strategy="native" if asynchronous else "sync-handler",
        loops=LOOPS if asynchronous else (),
        workers=workers,
        arguments=arguments,
        load=PresetLoad(
            users=users,
            total=total,
            expected_ns=round(total / expected * S),
            keep_alive=False,
            http="1.0",
        ),
        published=((Figure.THROUGHPUT, published),) if published else (),
    )
