"""Whether a remedy keeps the answers: status and body of each route, compared with the original's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diag.recording import Answer, Run

_LONGEST = 60

_Place = tuple[str, int]
_Said = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sameness:
    """The outcome.

    Attributes:
        equal: None if it cannot be told, because the original's own answers differ.
        difference: the first difference, or why it cannot be told, in words; "" if there is none.
    """

    equal: bool | None
    difference: str = ""


def compare_answers(originals: Sequence[Run], remedied: Sequence[Run]) -> Sameness:
    """Compare the answers of some runs with those of the original.

    An answer is compared with those of the same route and number: a counter says 1 to the first request and
    2 to the second, in every run. Where the original disagrees with itself, the status alone is compared.

    Args:
        originals: runs of the original.
        remedied: runs with the remedy.
    """
    before, after = _by_place(originals), _by_place(remedied)
    unsteady = [place for place, said in before.items() if len({body for _, body in map(_said, said)}) > 1]
    for place, said in after.items():
        expected = before.get(place, [])
        difference = _difference(place[0], expected, said, bodies=place not in unsteady)
        if expected and difference:
            return Sameness(equal=False, difference=difference)
    failing = _failures(originals, remedied)
    if failing:
        return Sameness(equal=False, difference=failing)
    if not before or not after:
        return Sameness(equal=None, difference="no answer was seen alone")
    if unsteady:
        routes = ", ".join(dict.fromkeys(route for route, _ in unsteady))
        return Sameness(equal=None, difference=f"{routes} answers differently each time, as written too")
    return Sameness(equal=True)


def _by_place(runs: Sequence[Run]) -> Mapping[_Place, list[Answer]]:
    found: dict[_Place, list[Answer]] = defaultdict(list)
    for run in runs:
        for answer in run.answers:
            found[answer.route, answer.number].append(answer)
    return found


def _said(answer: Answer) -> _Said:
    return answer.status, answer.sha256


def _difference(route: str, before: Sequence[Answer], after: Sequence[Answer], *, bodies: bool) -> str:
    statuses = {one.status for one in before}
    wrong = next((one for one in after if one.status not in statuses), None)
    if wrong is not None:
        shown = " or ".join(map(str, sorted(statuses)))
        return f"{route} answers {wrong.status} instead of {shown}"
    known = {_said(one) for one in before}
    other = next((one for one in after if _said(one) not in known), None) if bodies else None
    if other is None:
        return ""
    return f"{route} answers {_short(other.excerpt)} instead of {_short(before[0].excerpt)}"


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return f"“{one_line[:_LONGEST]}{'…' if len(one_line) > _LONGEST else ''}”"


def _failures(originals: Sequence[Run], remedied: Sequence[Run]) -> str:
    """Statuses under load that the original never gave a route."""
    known: dict[str, set[int]] = defaultdict(set)
    for run in originals:
        for request in run.requests:
            known[request.route].add(request.status)
    counts: dict[tuple[str, int], int] = defaultdict(int)
    for run in remedied:
        for request in run.requests:
            if request.route in known and request.status not in known[request.route]:
                counts[request.route, request.status] += 1
    for (route, status), number in counts.items():
        what = f"{status}" if status > 0 else "no answer"
        return f"{route} gave {what} {number} times under load, the original never"
    return ""
