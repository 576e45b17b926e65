"""The findings of a verdict on the terminal: where, how long, why, who paid, what may help."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from diag import units
from diag.finding import Finding, Location, Severity, Verdict
from diag.reports import layout, sentences
from diag.reports.terminal.page import Page
from diag.reports.text import cut

_MOST_FINDINGS = 20
_MOST_IN_FULL = 8
_MOST_EVIDENCE = 3
_MOST_CALLERS = 3
# Deeper indentation says nothing and costs room.
_DEEPEST_INDENT = 8

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}


def finding_lines(verdict: Verdict, page: Page) -> Iterator[Text]:
    """All findings, the most severe first; without ``-v`` the first in full, and others in two lines each."""
    shown = verdict.findings if page.verbose else verdict.findings[:_MOST_FINDINGS]
    in_full = len(shown) if page.verbose or len(shown) == _MOST_IN_FULL + 1 else _MOST_IN_FULL
    for number, finding in enumerate(shown):
        if number <= in_full and number:
            yield Text()
        if number < in_full:
            yield from _finding(finding, verdict, page)
        else:
            yield from _headline(finding, page)
            if finding.location:
                yield _source(finding.location, page, _briefly(finding, page))
    left_out = len(verdict.findings) - len(shown)
    if left_out:
        yield Text()
        yield Text(f"and {units.plural(left_out, 'more finding')}: -v shows all")


def _finding(finding: Finding, verdict: Verdict, page: Page) -> Iterator[Text]:
    yield from _headline(finding, page)
    if finding.location:
        yield _source(finding.location, page)
    for place, share in finding.also:
        elsewhere = finding.location is not None and place.absolute != finding.location.absolute
        yield _source(place, page, f"{share} %" + (f"  {sentences.where(place)}" if elsewhere else ""))
    facts = sentences.blocks(finding, page.glyphs)
    if facts:
        yield from layout.flow(facts, page.glyphs, page.width, indent=2)
    last = ""
    for label, text in _reasons(finding, verdict, page):
        if text:
            lead = f"{label:<4}: " if label != last else " " * 6
            yield from layout.hang(lead, text, page.width, indent=2, label_style="dim")
            last = label


def _briefly(finding: Finding, page: Page) -> str:
    """How often and how long, for a finding that is not shown in full."""
    number = len(finding.blocks)
    return f"{units.count(number)} {page.glyphs.times} {units.duration(finding.p50_ns)}" if number else ""


def _headline(finding: Finding, page: Page) -> Iterator[Text]:
    symbols = {Severity.ERROR: page.glyphs.cross, Severity.WARNING: "~", Severity.INFO: "i"}
    head = Text(f"{symbols[finding.severity]} {sentences.name(finding)}", style=_STYLES[finding.severity])
    title = cut(finding.title, page.width - head.cell_len - 2, page.glyphs.ellipsis)
    place = finding.location
    right = sentences.where(place) if place else ""
    left = Text.assemble(head, "  ", (title, "bold"))
    yield from layout.ends(left, right, page.width, page.glyphs.ellipsis)


def _source(place: Location, page: Page, note: str = "") -> Text:
    code = place.text.rstrip()
    indent = min(len(code) - len(code.lstrip()), _DEEPEST_INDENT)
    lead = f"{place.line:>8} {page.glyphs.bar} "
    note = f"  {note}" if note else ""
    shown = " " * indent + code.lstrip() if code else "(this line could not be read)"
    shown = cut(shown, page.width - len(lead) - len(note), page.glyphs.ellipsis)
    return Text.assemble((lead, "dim"), (shown, "" if code else "dim"), (note, "dim"))


def _reasons(finding: Finding, verdict: Verdict, page: Page) -> Iterator[tuple[str, str]]:
    callers = finding.path if page.verbose else finding.path[-_MOST_CALLERS:]
    yield "via", sentences.callers(callers, page.glyphs)
    yield "cost", sentences.cost(finding, requests=verdict.summary.requests > 0)
    yield "why", finding.why
    yield "fix", finding.advice
    evidence = finding.evidence if page.verbose else finding.evidence[:_MOST_EVIDENCE]
    for text in evidence:
        yield "seen", text
    left_out = len(finding.evidence) - len(evidence)
    yield "seen", f"{units.count(left_out)} more like this: -v shows all" if left_out else ""
