"""What went wrong with a cell's server, and what its limits came to, is told once for all its trials."""

from __future__ import annotations

from dataclasses import replace

from compared import S, cell, recording, trial

from diag.analysis.comparison import compare
from diag.analysis.trouble import cores_of
from diag.recording import (
    SERVER_SETTING,
    Degradation,
    Incident,
    IncidentKind,
    Limit,
    LimitedResource,
    Run,
    RunStatus,
)
from diag.reports.comparison import render

CPU = Limit(
    resource=LimitedResource.CPU, amount=500, mechanism="affinity", cannot="Half a core cannot be had."
)
MEMORY = Limit(resource=LimitedResource.MEMORY, amount=100 << 20, mechanism="cgroup v2", peak_bytes=60 << 20)


def lost(pid: int) -> Incident:
    return Incident(kind=IncidentKind.LOST_WORKERS, text=f"1 worker ended (pid {pid}).")


def limited(number: int, *incidents: Incident, peak: int = 60 << 20, **changes: object) -> Run:
    run = trial(cell("native"), number, 400 + number, counters={"held_back_ns": S // 2})
    limits = (CPU, replace(MEMORY, peak_bytes=peak))
    return replace(run, limits=limits, incidents=incidents, **changes)


def test_incidents_of_a_kind_are_one_sentence_with_the_number_of_trials() -> None:
    runs = [limited(1, lost(7)), limited(2), limited(3, lost(9))]
    found = compare(recording(runs))
    (figures,) = found.contests[0].cells
    assert figures.incidents == ("1 worker ended (pid 7). (In 2 of 3 trials.)",)
    assert "! native: 1 worker ended (pid 7). (In 2 of 3 trials.)" in render(found, width=140)


def test_limits_are_said_once_with_the_highest_peak_and_what_cannot_be_done() -> None:
    found = compare(recording([limited(1), limited(2, peak=90 << 20), limited(3)]))
    (contest,) = found.contests
    assert contest.common.endswith("limited to 0.5 cores (affinity) and 100 MiB (cgroup v2)")
    assert contest.cells[0].limits[1].peak_bytes == 90 << 20
    assert found.notes == ("Half a core cannot be had.",)


def test_a_limit_on_cpu_is_among_the_reasons_and_is_what_counts_as_full() -> None:
    found = compare(recording([limited(number) for number in (1, 2, 3)]))
    reasons = found.contests[0].cells[0].reasons
    assert "its limit on CPU kept its threads from running (0.50 s a second)" in reasons
    assert cores_of((CPU, MEMORY), 4) == 0.5
    assert cores_of((), 4) == 4.0


def test_a_cell_that_was_killed_for_memory_says_so_once() -> None:
    reason = "the kernel killed 1 process for memory (worker pid 7): limit 100 MiB, peak 100 MiB"
    killed = Incident(kind=IncidentKind.OUT_OF_MEMORY, text=f"T{reason[1:]}.")
    run = limited(1, killed, status=RunStatus.FAILED, failure=reason, streams=())
    found = compare(recording([run, trial(cell("blocking"), 1, 300)]))
    text = " ".join(render(found, width=140).split())
    assert text.count("the kernel killed 1 process") + text.count("The kernel killed 1 process") == 1
    assert "native is not ranked: the kernel killed 1 process for memory (worker pid 7)" in text


def test_how_servers_are_set_up_is_no_note_and_shown_on_request() -> None:
    setting = Degradation(slug=SERVER_SETTING, text="uvicorn's access log is off.")
    run = replace(trial(cell("native"), 1, 300), degradations=(setting,))
    found = compare(recording([run]))
    assert found.notes == ()
    assert found.settings == ("uvicorn: uvicorn's access log is off.",)
    assert "access log" not in render(found, width=140)
    assert "with: uvicorn: uvicorn's access log is off." in render(found, width=140, verbose=True)
