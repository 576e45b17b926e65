"""The top of a page: the verdict in one sentence with its numbers, and four tiles."""

from __future__ import annotations

from collections.abc import Sequence

from diag import units
from diag.finding import CellResult, Finding, Severity, Status, Verdict
from diag.remedy import Tried
from diag.reports import sentences
from diag.reports.html.model import Head, Tile
from diag.reports.text import UNICODE, clean

NOTICED_NS = 50_000_000
"""What of a block people notice is what exceeds 50 ms: web.dev's definition of Total Blocking Time."""

BUSY_SHARE = 0.2
"""From this share of run-queue wait on, the machine shapes the figures as much as a common remedy does."""

BLOCKING = ("blocked-loop", "convoy", "held-worker", "gil-contention", "garbage-collection")
_WORDS = {Status.CLEAN: "Clean", Status.BLOCKED: "Blocked", Status.UNMEASURED: "Could not tell"}


def head(verdict: Verdict, victims: int, tried: Sequence[Tried] = ()) -> Head:
    """The top of the page of one verdict.

    Args:
        verdict: what to tell; its texts are clean.
        victims: how many requests (or tasks) blocks delayed.
        tried: remedies that were tried, by culprit.
    """
    sentence, more = _sentence(verdict)
    notes = list(verdict.quality.degradations)
    expected = verdict.expectation
    if expected is not None:
        met = f"As expected: {expected.expected}."
        more.append(
            met if expected.met else f"Not as expected: found {expected.found}, expected {expected.expected}."
        )
    return Head(
        status=verdict.status.value,
        word=_WORDS[verdict.status],
        sentence=sentence,
        more=tuple(more),
        facts=tuple(sentences.facts(verdict.summary)),
        notes=tuple(notes),
        tiles=(_blocked(verdict), _victims(verdict, victims), _tail(verdict, tried), _quality(verdict)),
    )


def _sentence(verdict: Verdict) -> tuple[str, list[str]]:
    held = sentences.held(verdict)
    if verdict.status is Status.UNMEASURED:
        reason = verdict.reason or "it could not be measured"
        return f"This run does not tell whether anything blocks: {reason}", []
    if verdict.status is Status.CLEAN:
        least = units.duration(verdict.threshold_ns)
        name = sentences.held_name(verdict)
        more = [sentence for sentence in [_full(sentences.clean_handlers(verdict))] if sentence]
        return f"Nothing held {name} for {least} or longer.", more
    errors = [one for one in verdict.findings if one.severity is Severity.ERROR]
    worst = max(errors, key=lambda one: one.total_ns, default=None)
    said = f"{held[0].upper()}{held[1:]}" if held else "The loop was blocked"
    if worst is not None and worst.location is not None:
        said += (
            f", most of it by {worst.location.function or worst.title} at {sentences.where(worst.location)}"
        )
    more = [_full(sentences.cost(one, requests=bool(verdict.summary.requests))) for one in [worst] if one]
    others = len(errors) - 1
    if others > 0:
        more.append(f"{units.plural(others, 'other place')} in the code held it as well.")
    return f"{said}.", [sentence for sentence in more if sentence]


def _full(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def blocking(verdict: Verdict) -> list[Finding]:
    """The findings whose blocks hold up others, the machine's own part left out."""
    return [one for one in verdict.findings if one.rule in BLOCKING]


def _blocked(verdict: Verdict) -> Tile:
    name = "Loop" if sentences.held_name(verdict) == "the loop" else "Worker"
    title = f"{name}-blocked time"
    if verdict.status is Status.UNMEASURED:
        return Tile(title=title, value="unknown", detail="nothing was measured", tone="doubtful")
    lengths = [block.own_ns for one in blocking(verdict) for block in one.blocks]
    over = sum(max(0, ns - NOTICED_NS) for ns in lengths)
    share = 1 - verdict.blocked_ns / verdict.window_ns if verdict.window_ns else 1.0
    detail = f"beyond the first {units.duration(NOTICED_NS)} of {units.plural(len(lengths), 'block')}; "
    free = f"available {units.whole_percent(max(0.0, share))} of the time"
    return Tile(
        title=title,
        value=units.duration(over),
        detail=(detail if lengths else "") + free,
        tone="bad" if over else "good" if not lengths else "doubtful",
    )


def _victims(verdict: Verdict, count: int) -> Tile:
    groups = [group for one in blocking(verdict) for group in one.victims]
    if verdict.status is Status.UNMEASURED:
        return Tile(title="Victims", value="unknown", detail="nothing was measured", tone="doubtful")
    if not groups:
        return Tile(title="Victims", value="none", detail="nobody was seen waiting", tone="good")
    worst = max(groups, key=lambda group: group.worst_ns)
    total = units.duration(sum(group.total_ns for group in groups))
    return Tile(
        title="Victims",
        value=units.plural(count, "request" if verdict.summary.requests else "task"),
        detail=f"waited {total} in all; worst: {worst.label} +{units.duration(worst.worst_ns)}",
        tone="bad",
    )


def _tail(verdict: Verdict, tried: Sequence[Tried]) -> Tile:
    """The victims' 99th percentile as it is, and with what helped most."""
    recommended = [one for some in tried for one in some.results if one.recommended and not one.failure]
    if recommended:
        best = min(recommended, key=lambda one: one.victim_p99_ns.value)
        return Tile(
            title="Victims’ p99, with the remedy",
            before=units.duration(round(best.original_victim_p99_ns.value)),
            value=units.duration(round(best.victim_p99_ns.value)),
            detail=f"measured with: {clean(best.remedy.title)}",
            tone="good",
        )
    primary = next((cell for cell in verdict.cells if cell.primary and not cell.failure), None)
    if primary is None or not (primary.victim_p99_ns or primary.p99_ns):
        return _longest_wait(verdict)
    return _cells(verdict, primary)


def _longest_wait(verdict: Verdict) -> Tile:
    """For a program without requests."""
    groups = [group for one in blocking(verdict) for group in one.victims]
    worst = max(groups, key=lambda group: group.worst_ns, default=None)
    if worst is None:
        return Tile(title="p99", value="unknown", detail="no request was answered")
    value = units.duration(worst.worst_ns)
    return Tile(title="Longest wait", value=value, detail=f"{worst.label}; no remedy was tried")


def _cells(verdict: Verdict, primary: CellResult) -> Tile:
    innocent = bool(primary.victim_p99_ns)

    def p99(cell: CellResult) -> int:
        return cell.victim_p99_ns if innocent else cell.p99_ns

    title = "Victims’ p99" if innocent else "p99 of all requests"
    others = [cell for cell in verdict.cells if not cell.failure and cell is not primary and p99(cell)]
    best = min(others, key=p99, default=None)
    if verdict.status is Status.BLOCKED and best is not None and p99(best) < p99(primary):
        return Tile(
            title=f"{title}, with {best.label}",
            before=units.duration(p99(primary)),
            value=units.duration(p99(best)),
            detail=f"{primary.label} beside {best.label}, in this run",
            tone="good",
        )
    tried = "no remedy was tried" if verdict.status is Status.BLOCKED else "as it is"
    return Tile(title=title, value=units.duration(p99(primary)), detail=tried)


def _quality(verdict: Verdict) -> Tile:
    quality = verdict.quality
    facts = sentences.data(quality, UNICODE)
    quiet = (quality.run_queue_share or 0.0) < BUSY_SHARE
    good = quality.canary_ok and quiet and not quality.dropped and not quality.degradations
    told = quality.canary_ok and verdict.status is not Status.UNMEASURED
    good = good and told
    value = "good" if good else "not sure" if told else "not enough"
    return Tile(
        title="Data quality",
        value=value,
        detail=" · ".join(facts),
        tone="good" if good else "doubtful",
    )
