"""What `server-incident` finds: how the server's processes behaved, whatever its handlers did."""

from __future__ import annotations

from recordings import Scene, healthy

from diag.finding import Severity, Status
from diag.recording import Incident, IncidentKind, Limit, LimitedResource, RunStatus
from diag.rules import judge

LEFT = Incident(
    kind=IncidentKind.LEFT_PROCESSES,
    text="The server ended and left 1 process behind, which diag ended: sleep 600 (pid 7).",
)


def test_each_incident_is_a_warning_that_does_not_change_the_verdict() -> None:
    verdict = judge(healthy(Scene()).recording(incidents=(LEFT,)))
    (found,) = verdict.findings
    assert (found.rule, found.severity) == ("server-incident", Severity.WARNING)
    assert found.title == "uvicorn left processes behind"
    assert found.why == LEFT.text
    assert verdict.status is Status.CLEAN


def test_a_run_that_was_killed_for_memory_is_unmeasured_with_its_limit() -> None:
    reason = "the kernel killed 1 process for memory (worker pid 7): limit 100 MiB, peak 100 MiB"
    limit = Limit(
        resource=LimitedResource.MEMORY,
        amount=100 << 20,
        mechanism="cgroup v1",
        peak_bytes=100 << 20,
        killed=1,
    )
    killed = Incident(kind=IncidentKind.OUT_OF_MEMORY, text=reason)
    verdict = judge(
        healthy(Scene()).recording(
            status=RunStatus.FAILED, failure=reason, limits=(limit,), incidents=(killed,)
        )
    )
    assert (verdict.status, verdict.reason) == (Status.UNMEASURED, reason)
    assert verdict.quality.limits == (limit,)
    assert [finding.title for finding in verdict.findings] == ["uvicorn was killed for memory"]


def test_what_a_mechanism_cannot_do_and_what_it_held_back_are_remarks_on_the_data() -> None:
    limit = Limit(
        resource=LimitedResource.CPU,
        amount=500,
        mechanism="affinity",
        cannot="It cannot.",
        held_back_ns=10**9,
    )
    remarks = judge(healthy(Scene()).recording(limits=(limit,))).quality.degradations
    assert remarks[0] == "It cannot."
    assert "kept the target's threads from running for 1.0 s in all" in remarks[1]


def test_no_incident_is_no_finding() -> None:
    assert judge(healthy(Scene()).recording()).findings == ()
