"""What became of two recordings, for people at a terminal or in a log.

What is better, worse or new has its sign and its word; colour only repeats it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from diag import units
from diag.change import Change, Direction, Fate, FindingChange, RouteChange, Shift, Side
from diag.finding import Finding
from diag.reports import layout, sentences
from diag.reports.terminal.page import Page
from diag.reports.text import cut, cut_middle, glyphs_for, neutral

_NARROWEST = 40
_WIDEST = 120
_LONGEST_ROUTE = 40
_MOST_UNCHANGED = 5
# What stands beside a route: its sign, the figure's name, two times, a ratio with its interval, a word.
_FIGURES = 68
_LEAST_TABLE = _FIGURES + 10

_STYLES = {
    Direction.WORSE: "bold red",
    Direction.IMPROVED: "bold green",
    Direction.NONE: "bold",
    Direction.UNKNOWN: "bold yellow",
}
_FATE_STYLES = {Fate.NEW: "bold red", Fate.CHANGED: "bold yellow", Fate.GONE: "bold green"}
_FATE_SIGNS = {Fate.NEW: "+", Fate.CHANGED: "~", Fate.SAME: "=", Fate.GONE: "-", Fate.UNDRIVEN: "?"}


def render(
    change: Change, *, width: int = 80, color: bool = False, verbose: bool = False, encoding: str = "utf-8"
) -> str:
    """The report as text.

    Args:
        change: what to tell; every text in it is made harmless first.
        width: cells a line.
        color: True for ANSI colours, False for no control characters at all.
        verbose: True to leave nothing out.
        encoding: of the output, which decides on symbols.
    """
    file = io.StringIO()
    system = "standard" if color else None
    console = Console(file=file, width=width, force_terminal=color, color_system=system, legacy_windows=False)  # type: ignore[arg-type]
    show(change, console, verbose=verbose, encoding=encoding)
    return file.getvalue()


def show(change: Change, console: Console, *, verbose: bool = False, encoding: str | None = None) -> None:
    """Print the report; `console` knows the width, and whether there is colour."""
    used = encoding or console.encoding
    width = max(_NARROWEST, min(console.width, _WIDEST))
    page = Page(width=width, glyphs=glyphs_for(used), verbose=verbose)
    for line in _lines(neutral(change, encoding=used), page):
        if page.ascii and not line.plain.isascii():
            line.plain = line.plain.replace("µ", "u").replace("–", "-").replace("÷", "/")
        line.rstrip()
        console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)


def _lines(change: Change, page: Page) -> Iterator[Text]:
    sections = (_head, _verdict, _figures, _findings, _notes, _end)
    for number, part in enumerate(sections):
        lines = list(part(change, page))
        if lines and number:
            yield Text()
        yield from lines


def _head(change: Change, page: Page) -> Iterator[Text]:
    yield Text("diag report: before and after", "bold")
    same = _setup(change.before) == _setup(change.after)
    for label, side in (("before: ", change.before), ("after : ", change.after)):
        facts = [cut_middle(side.target, page.width // 2, page.glyphs.ellipsis), _moment(side.created_utc)]
        facts.append(units.duration(side.duration_ns))
        if side.requests:
            facts.append(units.plural(side.requests, "request"))
        facts.append(side.status.upper())
        facts += [] if same else _setup(side)
        yield from layout.flow(facts, page.glyphs, page.width, label=label)
    if same:
        yield from layout.flow(_setup(change.before), page.glyphs, page.width, label="both  : ")


def _setup(side: Side) -> list[str]:
    every = [side.load, side.server, f"{side.python}, {units.plural(side.cores, 'core')}"]
    return [fact for fact in every if fact]


def _moment(created: str) -> str:
    """ISO 8601 without what nobody compares: ``2026-11-20 11:12``."""
    return created[:16].replace("T", " ")


def _verdict(change: Change, page: Page) -> Iterator[Text]:
    if change.direction is Direction.UNKNOWN:
        for number, reason in enumerate(change.reasons):
            lead = "? NOT COMPARABLE  " if number == 0 else " " * 18
            yield from layout.hang(lead, reason, page.width, label_style="bold yellow")
        return
    lead = f"{_sign(change.direction, page)} {change.direction.value.upper()}  "
    held = _blocked(change)
    yield from layout.hang(lead, held, page.width, label_style=_STYLES[change.direction])


def _blocked(change: Change) -> str:
    shift = change.blocked
    if shift is None or not (shift.before or shift.after):
        return "nothing was blocked, before or after"
    text = f"blocked for {units.percent(shift.before)} of the time before, {units.percent(shift.after)} after"
    if shift.direction is Direction.UNKNOWN:
        return f"{text} ({shift.reason}, so that nothing is said of the difference)"
    low, high = (f"{100 * value:+.0f}" for value in (shift.low, shift.high))
    seen = ": no more than chance or the machine explains" if shift.direction is Direction.NONE else ""
    return f"{text} ({100 * shift.effect:+.0f} points [{low} to {high}]{seen})"


def _sign(direction: Direction, page: Page) -> str:
    glyphs = page.glyphs
    signs = {Direction.WORSE: glyphs.cross, Direction.IMPROVED: glyphs.check, Direction.NONE: "="}
    return signs.get(direction, "?")


# Routes -------------------------------------------------------------------------------------------------


def _figures(change: Change, page: Page) -> Iterator[Text]:
    quiet = [one for one in change.routes if one.direction in {Direction.NONE, Direction.UNKNOWN}]
    shown = [one for one in change.routes if one not in quiet]
    rest: list[RouteChange] = []
    if page.verbose or len(quiet) <= _MOST_UNCHANGED:
        shown += quiet
    else:
        rest = quiet
    if shown and page.width >= _LEAST_TABLE:
        yield from _table(shown, page)
    elif shown:
        yield from _stacked(shown, page)
    if rest:
        noun = "other route" if shown else "route"
        text = f"{units.plural(len(rest), noun)}: no difference seen, or too few answers; -v shows them"
        yield from layout.hang("= ", text, page.width)


def _table(routes: Sequence[RouteChange], page: Page) -> Iterator[Text]:
    """Two rows a route, its median and its 99th percentile."""
    room = min(_LONGEST_ROUTE, page.width - _FIGURES)
    widest = min(room, max(cell_len(one.route) for one in routes))
    head = f"{'':{widest + 8}}{'before':>8}  {'after':>8}  after / before"
    yield Text(head, "dim")
    for one in routes:
        route = cut_middle(one.route, widest, page.glyphs.ellipsis)
        lead = f"{_sign(one.direction, page)} {route}"
        for name, shift in (("p50", one.p50), ("p99", one.p99)):
            start = f"{lead}{' ' * (widest + 4 - cell_len(lead))}{name} "
            figures = f"{_time(shift.before):>8}  {_time(shift.after):>8}  "
            yield Text.assemble((start, "bold" if lead else ""), figures, *_said(shift))
            lead = ""
        failed = _failed(one)
        if failed:
            yield Text(f"    {failed}")


def _stacked(routes: Sequence[RouteChange], page: Page) -> Iterator[Text]:
    """Figures one below the other, where the page is too narrow for a table."""
    for one in routes:
        lead = f"{_sign(one.direction, page)} {one.route}"
        yield Text(cut(lead, page.width, page.glyphs.ellipsis), "bold")
        for name, shift in (("p50", one.p50), ("p99", one.p99)):
            figures = f"{_time(shift.before)} {page.glyphs.arrow} {_time(shift.after)}"
            said = "".join(text for text, _ in _said(shift))
            yield from layout.hang(f"    {name} ", f"{figures}: {said}", page.width)


def _time(ns: float) -> str:
    return units.duration(round(ns))


def _said(shift: Shift) -> list[tuple[str, str]]:
    if shift.direction is Direction.UNKNOWN:
        return [(shift.reason, "dim")]
    ratio = f"{_ratio(shift.effect)} [{_ratio(shift.low)}–{_ratio(shift.high)}]"
    return [(f"{ratio}  ", ""), (shift.direction.value, _STYLES[shift.direction])]


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 9.95 else f"{value:.0f}"


def _failed(one: RouteChange) -> str:
    if not (one.failed_before or one.failed_after):
        return ""
    shares = [
        f"{units.count(failed)} of {units.count(failed + answered)}"
        for failed, answered in (
            (one.failed_before, one.requests_before),
            (one.failed_after, one.requests_after),
        )
    ]
    return f"failed: {shares[0]} before, {shares[1]} after"


# Findings -----------------------------------------------------------------------------------------------


def _findings(change: Change, page: Page) -> Iterator[Text]:
    shown = [one for one in change.findings if one.fate is not Fate.SAME or page.verbose]
    for number, one in enumerate(shown):
        if number:
            yield Text()
        yield from _finding(one, page)
    same = len(change.findings) - len(shown)
    if same:
        if shown:
            yield Text()
        yield Text(f"= {units.plural(same, 'finding is', 'findings are')} as before: -v shows them")


def _finding(one: FindingChange, page: Page) -> Iterator[Text]:
    finding = one.after or one.before
    assert finding is not None
    head = Text(f"{_FATE_SIGNS[one.fate]} {one.fate.value.upper()}  ", _FATE_STYLES.get(one.fate, "bold"))
    title = cut(
        f"{sentences.name(finding)} {finding.title}", page.width - head.cell_len, page.glyphs.ellipsis
    )
    right = sentences.where(finding.location) if finding.location else ""
    yield from layout.ends(Text.assemble(head, (title, "bold")), right, page.width, page.glyphs.ellipsis)
    for label, other in _code(one):
        lead = f"{label:>8} {page.glyphs.bar} "
        yield Text.assemble((lead, "dim"), cut(other, page.width - len(lead), page.glyphs.ellipsis))
    yield from layout.flow(_amounts(one, page), page.glyphs, page.width, indent=2)
    if one.note:
        yield from layout.hang("  ", one.note, page.width)


def _code(one: FindingChange) -> list[tuple[str, str]]:
    """The line, or both where the text was changed."""
    texts = [
        (str(place.line), place.text.strip())
        for finding in (one.before, one.after)
        if finding is not None and (place := finding.location) is not None
    ]
    if len(texts) == 2 and texts[0][1] == texts[1][1]:
        texts = texts[1:]
    return [text for text in texts if text[1]]


def _amounts(one: FindingChange, page: Page) -> list[str]:
    arrow = page.glyphs.arrow
    both = [finding for finding in (one.before, one.after) if finding is not None]
    said = [f" {arrow} ".join(_blocks(finding) for finding in both)]
    said.append(f"p50 {f' {arrow} '.join(units.duration(finding.p50_ns) for finding in both)}")
    shares = [one.share_before] if one.before else []
    shares += [one.share_after] if one.after else []
    said.append(f"{f' {arrow} '.join(units.percent(share) for share in shares)} of the time")
    return said if any(finding.blocks for finding in both) else []


def _blocks(finding: Finding) -> str:
    return units.plural(len(finding.blocks), "block")


# The end ------------------------------------------------------------------------------------------------


def _notes(change: Change, page: Page) -> Iterator[Text]:
    for note in change.notes:
        yield from layout.hang("note: ", note, page.width, label_style="yellow")


def _end(change: Change, page: Page) -> Iterator[Text]:
    for label, side in (("before", change.before), ("after ", change.after)):
        if side.recording:
            yield Text(f"{label}: {side.recording}")
    word = "not comparable" if change.direction is Direction.UNKNOWN else change.direction.value
    yield Text(f"verdict: {word.upper()}")
    meaning = f" {page.glyphs.dot} ".join(("0 no worse", "1 worse", "2 cannot compare"))
    label = f"exit {change.exit_code}        "
    yield from layout.hang(label, meaning, page.width, label_style="bold", style="dim")
