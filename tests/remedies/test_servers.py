"""Applications whose workers are held are served in another way; the code stays."""

from __future__ import annotations

import dataclasses

import pytest
from remedy_cases import finding_of, setting_of_text

from diag.finding import Cause
from diag.remedies import propose
from diag.remedy import Move, Proposal
from diag.servers import get_server

SLEEPS = "import time\n\n\ndef view():\n    time.sleep(1)  # <- culprit\n    return ''\n"
QUERIES = "import psycopg2\n\n\ndef view():\n    psycopg2.connect('db')  # <- culprit\n    return ''\n"
COMPUTES = "def view():\n    return sum(i * i for i in range(10))  # <- culprit\n"


def proposed(text: str, cause: Cause, *, server: str = "gunicorn-sync", workers: int = 1) -> Proposal:
    finding = finding_of(text, cause, rule="held-worker")
    setting = dataclasses.replace(
        setting_of_text(text), framework="flask", server=server, loop="", workers=workers
    )
    return propose([finding], setting)


def order(proposal: Proposal) -> list[tuple[str, bool]]:
    return [(one.name, one.expected) for one in proposal.remedies]


def test_what_waits_gets_threads_and_greenlets_before_more_processes():
    proposal = proposed(SLEEPS, Cause.WAITING)
    assert order(proposal) == [("gthread", True), ("gevent", True), ("processes", True)]
    assert "time.sleep" in proposal.remedies[1].why


def test_what_computes_gets_processes_and_the_others_are_known_not_to_help():
    assert order(proposed(COMPUTES, Cause.CPU_GIL)) == [
        ("processes", True),
        ("gthread", False),
        ("gevent", False),
    ]


def test_a_call_that_gevent_cannot_patch_is_refused_with_its_name():
    proposal = proposed(QUERIES, Cause.WAITING)
    (refusal,) = proposal.refusals
    assert (refusal.name, refusal.reason.startswith("psycopg2.connect waits in C")) == ("gevent", True)
    assert [one.name for one in proposal.remedies] == ["gthread", "processes"]


@pytest.mark.parametrize("server", ["gunicorn-sync", "werkzeug", "waitress", "cheroot", "gunicorn-gthread"])
def test_what_is_proposed_is_a_server_that_diag_has_with_more_workers_than_before(server):
    for remedy in proposed(SLEEPS, Cause.WAITING, server=server, workers=2).remedies:
        change = remedy.server
        assert get_server(change.server).name == change.server
        assert remedy.move is Move.SERVER
        assert not remedy.edits
        assert remedy.pool == change.workers * max(change.threads, 1)
        assert change.command.split()[0] in ("gunicorn", "granian")
        if remedy.name == "processes":
            assert change.workers >= 4


def test_a_worker_with_threads_is_not_offered_the_same_threads_again():
    names = [one.name for one in proposed(SLEEPS, Cause.WAITING, server="gunicorn-gthread").remedies]
    assert names == ["gevent", "processes"]


@pytest.mark.parametrize(
    ("cause", "first"),
    [
        (Cause.CPU_NO_GIL, "gevent-threadpool"),
        (Cause.WAITING, "gevent-threadpool"),
        (Cause.CPU_GIL, "processes"),
    ],
)
def test_what_holds_gevent_s_hub_goes_to_its_threads_or_to_other_processes(cause, first):
    finding = finding_of(SLEEPS.replace("time.sleep(1)", "time.sleep(1) "), cause)
    proposal = propose([finding], setting_of_text(SLEEPS, loop="gevent"))
    names = [one.name for one in proposal.remedies]
    assert names[0] == first
    assert "processes" in names
    assert "gevent" not in names
