"""A check for people: each issue with its line, the way to it, what was seen, and what may help."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from diag import units
from diag.checking.joining import what_was_seen
from diag.checking.result import CheckResult, Evidence, Issue
from diag.finding import Severity, Status
from diag.reports import layout, sentences
from diag.reports.terminal.page import Page
from diag.reports.text import cut, cut_middle, glyphs_for, neutral
from diag.static.finding import Hop

_NARROWEST = 40
_WIDEST = 140
_MOST_ISSUES = 50
_MOST_HOPS = 8
_MOST_PROBLEMS = 10
_MOST_NAMES = 6
_DEEPEST_INDENT = 8
_LABEL = 8

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}


def render(result: CheckResult, *, width: int = 80, verbose: bool = False, encoding: str = "utf-8") -> str:
    """The report as text without control characters."""
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, legacy_windows=False)
    show(result, console, verbose=verbose, encoding=encoding)
    return file.getvalue()


def show(
    result: CheckResult, console: Console, *, verbose: bool = False, encoding: str | None = None
) -> None:
    """Print the report; `console` knows the width, and whether there is colour."""
    used = encoding or console.encoding
    width = max(_NARROWEST, min(console.width, _WIDEST))
    page = Page(width=width, glyphs=glyphs_for(used), verbose=verbose)
    for line in _lines(neutral(result, encoding=used), page):
        if page.ascii and "µ" in line.plain:
            line.plain = line.plain.replace("µ", "u")
        line.rstrip()
        console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)


def _lines(result: CheckResult, page: Page) -> Iterator[Text]:
    yield Text(cut_middle(f"diag check {' '.join(result.targets)}", page.width, page.glyphs.ellipsis), "bold")
    yield from layout.flow(_facts(result), page.glyphs, page.width, indent=2)
    yield from _notes(result, page)
    shown = result.issues if page.verbose else result.issues[:_MOST_ISSUES]
    for issue in shown:
        yield Text()
        yield from _issue(issue, page)
    if len(result.issues) > len(shown):
        yield Text()
        yield Text(f"and {units.plural(len(result.issues) - len(shown), 'more issue')}: -v shows all")
    yield from _measured(result, page)
    yield Text()
    yield from _end(result, page)


def _facts(result: CheckResult) -> list[str]:
    analysis = result.analysis
    facts = [
        f"{units.plural(analysis.files, 'file')}, {units.plural(analysis.lines, 'line')}",
        f"{units.plural(len(analysis.handlers), 'function')} on an event loop",
        "source and measured" if result.verdicts else "source only, nothing was run",
    ]
    return [*facts, result.scope] if result.scope else facts


def _notes(result: CheckResult, page: Page) -> Iterator[Text]:
    notes = [f"{one.path}:{one.line}: {one.message}" for one in result.problems]
    unknown = result.analysis.unknown
    if unknown:
        some = ", ".join(unknown if page.verbose else unknown[:_MOST_NAMES])
        more = (
            f" and {len(unknown) - _MOST_NAMES} more"
            if len(unknown) > _MOST_NAMES and not page.verbose
            else ""
        )
        notes.append(f"neither installed nor known, so that calls into them pass unseen: {some}{more}")
    shown = notes if page.verbose else notes[:_MOST_PROBLEMS]
    for note in shown:
        yield from layout.hang("note: ", note, page.width, label_style="yellow")
    if len(notes) > len(shown):
        yield Text(f"note: {len(notes) - len(shown)} more: -v shows all", "yellow")


def _issue(issue: Issue, page: Page) -> Iterator[Text]:
    symbol = {Severity.ERROR: page.glyphs.cross, Severity.WARNING: "~", Severity.INFO: "i"}[issue.severity]
    head = Text(f"{symbol} {issue.rule.upper().replace('-', ' ')}", _STYLES[issue.severity])
    title = cut(issue.handler, page.width - head.cell_len - 2, page.glyphs.ellipsis)
    place = f"{issue.path}:{issue.line}" if issue.path else ""
    left = Text.assemble(head, "  ", (title, "bold"))
    yield from layout.ends(left, place, page.width, page.glyphs.ellipsis)
    if issue.text:
        yield _source(issue.line, issue.text, page)
    for label, text in _reasons(issue, page):
        yield from layout.hang(f"{label:<5}: ", text, page.width, indent=2, label_style="dim")
    if issue.static is not None and len(issue.static.hops) > 1:
        yield from _path(issue.static.hops, page)


def _source(line: int, text: str, page: Page) -> Text:
    indent = min(len(text) - len(text.lstrip()), _DEEPEST_INDENT)
    lead = f"{line:>8} {page.glyphs.bar} "
    shown = cut(" " * indent + text.strip(), page.width - len(lead), page.glyphs.ellipsis)
    return Text.assemble((lead, "dim"), shown)


def _reasons(issue: Issue, page: Page) -> Iterator[tuple[str, str]]:
    static = issue.static
    if static is not None:
        others = f"; also from {', '.join(static.others[:_MOST_NAMES])}" if static.others else ""
        more = len(static.others) - _MOST_NAMES
        others += f" and {more} more" if more > 0 else ""
        yield "call", f"{static.call} ({static.kind.value}s, {static.confidence.value} confidence){others}"
    if issue.measured is not None:
        yield "seen", f"{what_was_seen(issue.measured)}: {sentences.causes(issue.measured)}"
    if issue.why:
        yield "why", issue.why
    if issue.advice:
        yield "fix", issue.advice
    if page.verbose:
        yield "known", f"{issue.evidence.value}; fingerprint {issue.fingerprint}"


def _path(hops: tuple[Hop, ...], page: Page) -> Iterator[Text]:
    """The way from the handler to what blocks, a call a line; of a long one both ends."""
    yield Text("  path : from the handler to what blocks", "dim")
    half = _MOST_HOPS // 2
    cut_out = len(hops) - _MOST_HOPS if not page.verbose and len(hops) > _MOST_HOPS else 0
    for number, hop in enumerate(hops):
        if cut_out and half <= number < half + cut_out:
            if number == half:
                yield Text(f"{' ' * _LABEL} ({units.plural(cut_out, 'more call')}: -v shows all)", "dim")
            continue
        yield from _hop(hop, page)


def _hop(hop: Hop, page: Page) -> Iterator[Text]:
    place = f"{sentences.shortened(hop.path)}:{hop.line}"
    left = Text(f"{' ' * _LABEL} {page.glyphs.arrow} ", "dim")
    text = cut(hop.text or hop.call, page.width - left.cell_len - 2, page.glyphs.ellipsis)
    yield from layout.ends(
        left + Text(text), place, page.width, page.glyphs.ellipsis, style="" if hop.own else "dim"
    )


def _measured(result: CheckResult, page: Page) -> Iterator[Text]:
    """What the run says of handlers that have no issue, and of the budgets."""
    clean = [text for verdict in result.verdicts if (text := sentences.clean_handlers(verdict))]
    missing = [
        f"{one.title} was not measured: {one.measured.reason}"
        for one in result.handlers
        if one.measured is not None and one.measured.status is Status.UNMEASURED
    ]
    if clean or missing or result.budgets:
        yield Text()
    for text in clean:
        yield from layout.hang(f"{page.glyphs.check} ", text, page.width)
    for text in missing if page.verbose else missing[:_MOST_PROBLEMS]:
        yield from layout.hang("? ", text, page.width)
    for budget in result.budgets:
        symbol = page.glyphs.check if budget.met else page.glyphs.cross
        found = units.duration(budget.found_ns) if budget.found_ns else "nothing seen"
        where = f" ({budget.where})" if budget.where else ""
        text = f"budget {budget.name} {units.duration(budget.limit_ns)}: {found}{where}"
        yield from layout.hang(f"{symbol} ", text, page.width)


def _end(result: CheckResult, page: Page) -> Iterator[Text]:
    if result.status is Status.UNMEASURED:
        yield from layout.hang("? COULD NOT TELL  ", result.reason, page.width, label_style="bold yellow")
    elif result.written:
        text = f"{units.plural(len(result.issues) + len(result.known), 'issue')} written to {result.baseline}"
        yield from layout.hang(f"{page.glyphs.check} BASELINE  ", text, page.width, label_style="bold green")
    elif not result.issues:
        text = "no new issue" if result.baseline else "nothing that counts was found"
        yield from layout.hang(f"{page.glyphs.check} CLEAN  ", text, page.width, label_style="bold green")
    said = _counts(result)
    if said:
        yield from layout.flow(said, page.glyphs, page.width, label="issues: ")
    meaning = f" {page.glyphs.dot} ".join(("0 clean", "1 blocked", "2 could not tell"))
    yield from layout.hang(
        f"exit {result.exit_code}        ", meaning, page.width, label_style="bold", style="dim"
    )


def _counts(result: CheckResult) -> list[str]:
    by = {kind: sum(one.evidence is kind for one in result.issues) for kind in Evidence}
    said = [f"{units.count(number)} {kind.value}" for kind, number in by.items() if number]
    for number, words in (
        (len(result.known), f"in the baseline {result.baseline}"),
        (result.fixed, "of the baseline no longer found"),
        (result.untouched, "that the change does not reach"),
        (len(result.analysis.allowed), "allowed by comments"),
        (result.left_out, "less severe or less sure: --min-severity info --min-confidence low"),
    ):
        if number and not (result.written and number == len(result.known)):
            said.append(f"{units.count(number)} {words}")
    return said
