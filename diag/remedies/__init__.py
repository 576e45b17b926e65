"""What could help against a finding: one file a remedy, each a change of source text or of the server.

Pure: a proposal is made of findings and source text alone, and nothing is read or written. A remedy is a
module with `NAME` (or `NAMES`), a docstring that says when it applies, and `propose(case)`, which yields what
it proposes, what it refuses to write, or nothing. To add one, add its file, its cases in `tests/remedies` and
its place in `REMEDIES`: the most promising stand first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType

from diag.finding import Finding, Severity
from diag.remedies import (
    batch,
    cheaper_pattern,
    def_handler,
    gevent_threadpool,
    misconceptions,
    native,
    process_pool,
    servers,
    to_thread,
    yield_in_loop,
)
from diag.remedies.case import Case, case_of
from diag.remedies.text import Source
from diag.remedy import Proposal, Refusal, Remedy, Setting

REMEDIES: tuple[ModuleType, ...] = (
    native,
    cheaper_pattern,
    batch,
    process_pool,
    to_thread,
    def_handler,
    gevent_threadpool,
    yield_in_loop,
    servers,
    misconceptions,
)

NAMES: tuple[str, ...] = tuple(
    name for module in REMEDIES for name in getattr(module, "NAMES", None) or (module.NAME,)
)
"""What `--remedies` takes."""


def propose(findings: Iterable[Finding], setting: Setting, names: Iterable[str] = ()) -> Proposal:
    """What could be tried for some findings.

    Args:
        findings: of a verdict; those that are no errors, or have no line in the user's code, are passed over.
        setting: the run that they are of, with the texts of the user's files.
        names: of the remedies wanted, all if there are none.

    Returns:
        Remedies with their edits and diffs, and refusals where a rewrite is not possible. For each finding
        those that its cause speaks for come first, and then those that it speaks against.
    """
    errors = [one for one in findings if one.severity is Severity.ERROR]
    sources = _parsed(errors, setting.sources)
    wanted = frozenset(names) or frozenset(NAMES)
    remedies: list[Remedy] = []
    refusals: list[Refusal] = []
    for finding in errors:
        case = case_of(finding, setting, sources)
        if case is None:
            continue
        found = [one for one in _for_case(case) if one.name in wanted]
        remedies += sorted(
            (one for one in found if isinstance(one, Remedy)), key=lambda one: not one.expected
        )
        refusals += [one for one in found if isinstance(one, Refusal)]
    return Proposal(remedies=tuple(remedies), refusals=tuple(refusals))


def _for_case(case: Case) -> list[Remedy | Refusal]:
    return [proposed for module in REMEDIES for proposed in module.propose(case)]


def _parsed(findings: Iterable[Finding], texts: Mapping[str, str]) -> dict[str, Source]:
    """The files that lead to the findings' lines."""
    places = [place for one in findings for place in (*one.path, one.location) if place is not None]
    paths = {place.absolute for place in places} & texts.keys()
    parsed = {path: Source.parse(path, texts[path]) for path in sorted(paths)}
    return {path: source for path, source in parsed.items() if source is not None}
