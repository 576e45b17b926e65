"""What is said to help: guesses that fit the call and the cause."""

from __future__ import annotations

import pytest

from diag.analysis.advice import advice, hub_advice, why
from diag.finding import Cause, CauseShare


@pytest.mark.parametrize(
    ("call", "part"),
    [
        ("time.sleep", "asyncio.sleep"),
        ("requests.get", "httpx.AsyncClient"),
        ("urllib.request.urlopen", "httpx.AsyncClient"),
        ("subprocess.run", "create_subprocess_exec"),
        ("socket.getaddrinfo", "loop.getaddrinfo"),
        (".execute", "around the query"),
        ("open", "file's reading"),
        (".acquire", "asyncio.Lock"),
        (".CACHE_LOCK.__enter__", "asyncio.Lock"),
        ("CACHE_LOCK.__enter__", "asyncio.Lock"),
        (".result", "wrap_future"),
        ("unheard_of", "asyncio.to_thread"),
    ],
)
def test_a_wait_is_pointed_to_its_awaitable_form(call: str, part: str) -> None:
    said = advice(Cause.WAITING, [call])
    assert said.startswith("could help: ")
    assert part in said


def test_a_thread_is_never_advised_for_what_holds_the_gil() -> None:
    assert "thread" not in advice(Cause.CPU_GIL, ["time.sleep"])
    assert "process pool" in advice(Cause.CPU_GIL, [])


def test_a_thread_is_advised_for_what_lets_the_gil_go() -> None:
    assert "to_thread" in advice(Cause.CPU_NO_GIL, ["hashlib.pbkdf2_hmac"])


def test_there_is_no_advice_without_a_cause() -> None:
    assert advice(None, ["time.sleep"]) == ""
    assert why((), None) == ""


def test_a_large_second_cause_is_named_too() -> None:
    shares = (CauseShare(cause=Cause.WAITING, ns=60), CauseShare(cause=Cause.RUN_QUEUE, ns=40))
    assert why(shares, Cause.WAITING).endswith("besides, the machine had no CPU for it")
    assert "besides" not in why(shares[:1], Cause.WAITING)


@pytest.mark.parametrize("cause", list(Cause))
def test_nothing_is_to_be_awaited_on_a_hub(cause: Cause) -> None:
    said = hub_advice(cause)
    assert "await" not in said
    assert "asyncio" not in said
    assert (said == "") is (cause is Cause.RUN_QUEUE)
