"""What became of findings from one recording to another, matched by function and line text, not numbers."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from diag.change import Fate, FindingChange
from diag.finding import Finding, Severity, Verdict

NOTABLE = 1.3
"""A finding has changed if the length of its blocks, or its share of the time, differs by this factor."""

FEW_BLOCKS = 5

_MACHINES = ("starved",)
"""What these rules find is the machine's doing, and says nothing of a change of the code."""

_FATES = (Fate.NEW, Fate.CHANGED, Fate.SAME, Fate.GONE, Fate.UNDRIVEN)


def fates(
    before: Verdict, after: Verdict, driven_before: frozenset[str], driven_after: frozenset[str]
) -> tuple[FindingChange, ...]:
    """Every finding of both, paired where it is the same culprit.

    Args:
        before: the verdict on the code as it was.
        after: the verdict on the code as it is.
        driven_before: routes that gave answers before.
        driven_after: routes that gave answers after.
    """
    pairs = _paired(*(tuple(f for f in one.findings if f.rule not in _MACHINES) for one in (before, after)))
    found = [
        _change(old, new, before, after, driven_before=driven_before, driven_after=driven_after)
        for old, new in pairs
    ]
    return tuple(
        sorted(found, key=lambda one: (_FATES.index(one.fate), -(one.share_after + one.share_before)))
    )


def _exact(one: Finding) -> Hashable:
    place = one.location
    return (place.path, place.function, place.text.strip()) if place else (one.rule, one.title)


def _moved(one: Finding) -> Hashable:
    place = one.location
    return (place.function, place.text.strip()) if place else None


def _rewritten(one: Finding) -> Hashable:
    """The same function with another line: its text was changed, or another one is the hottest now."""
    place = one.location
    return (place.path, place.function, one.rule) if place else None


def _paired(
    before: tuple[Finding, ...], after: tuple[Finding, ...]
) -> list[tuple[Finding | None, Finding | None]]:
    """Pairs by ever looser likeness; within one, in order of severity and time."""
    old, new = list(before), list(after)
    pairs: list[tuple[Finding | None, Finding | None]] = []
    likenesses: tuple[Callable[[Finding], Hashable], ...] = (_exact, _moved, _rewritten)
    for key in likenesses:
        for one in tuple(old):
            mine = key(one)
            match = next((other for other in new if mine is not None and key(other) == mine), None)
            if match is not None:
                pairs.append((one, match))
                old.remove(one)
                new.remove(match)
    return [*pairs, *((one, None) for one in old), *((None, one) for one in new)]


def _change(
    old: Finding | None,
    new: Finding | None,
    before: Verdict,
    after: Verdict,
    *,
    driven_before: frozenset[str],
    driven_after: frozenset[str],
) -> FindingChange:
    shares = _share(old, before), _share(new, after)
    fate, note = Fate.SAME, ""
    if old is None and new is not None:
        fate = Fate.NEW
        if missing := _undriven(new, driven_before):
            note = f"{missing} was not driven before, so that it may be old."
    elif new is None and old is not None:
        fate = Fate.GONE
        if missing := _undriven(old, driven_after):
            fate, note = Fate.UNDRIVEN, f"{missing} gave no answer after, so that nothing is known of it."
    elif old is not None and new is not None:
        note = _difference(old, new, (_often(old, before), _often(new, after)))
        fate = Fate.CHANGED if note else Fate.SAME
    return FindingChange(
        fate=fate, before=old, after=new, share_before=shares[0], share_after=shares[1], note=note
    )


def _share(one: Finding | None, verdict: Verdict) -> float:
    return one.total_ns / verdict.window_ns if one is not None and verdict.window_ns else 0.0


def _undriven(one: Finding, driven: frozenset[str]) -> str:
    """The route that a finding is about if it gave no answers, "" otherwise; tasks are no routes."""
    routes = {block.route for block in one.blocks} - {""}
    missing = sorted(routes - driven)
    return missing[0] if routes and len(missing) == len(routes) else ""


def _often(one: Finding, verdict: Verdict) -> float:
    """Blocks a request of its routes; a second where it has no route."""
    routes = {block.route for block in one.blocks}
    requests = sum(
        handler.requests + handler.failed for handler in verdict.handlers if handler.route in routes
    )
    return len(one.blocks) / (requests or verdict.window_ns / 1e9 or 1)


def _difference(old: Finding, new: Finding, rates: tuple[float, float]) -> str:
    """How a finding that is still there differs, "" if it does not by enough."""
    said = []
    if old.rule != new.rule:
        said.append(f"it was {_words(old.rule)} and is {_words(new.rule)} now")
    if old.severity is not new.severity:
        certain = new.severity is Severity.ERROR
        said.append("it is certain now" if certain else "it is only a warning now")
    if min(len(old.blocks), len(new.blocks)) >= FEW_BLOCKS:
        if _apart(old.p50_ns, new.p50_ns):
            said.append(f"its blocks are {'shorter' if new.p50_ns < old.p50_ns else 'longer'}")
        elif _apart(*rates):
            said.append(f"it comes {'less' if rates[1] < rates[0] else 'more'} often")
    if old.location and new.location and old.location.text.strip() != new.location.text.strip():
        said.append("its line is another")
    text = ", and ".join(said)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _apart(before: float, after: float) -> bool:
    return max(before, after) >= NOTABLE * min(before, after)


def _words(rule: str) -> str:
    return f"a {rule.replace('-', ' ')}"
