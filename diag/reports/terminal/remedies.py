"""What was tried against each culprit, on the terminal: figures side by side, why, and the change itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from diag import units
from diag.remedy import Between, RemedyResult, Tried
from diag.reports import layout, sentences
from diag.reports.terminal.page import Page
from diag.reports.text import clean, cut, cut_middle, neutral

_LONGEST_NAME = 18
_LONGEST_DIFF = 24
"""Lines of a diff that are shown; of a longer one the command that shows it."""

_TIMES_FROM = 1.5
"""What got worse by more than half is told as a multiple."""

_COLUMNS = ("tried", "victims' p99", "change", "req/s", "predicted", "off")
_AS_WRITTEN = "as written"


def harmless(tried: Sequence[Tried], encoding: str) -> tuple[Tried, ...]:
    """The same with every text in it made harmless; diffs and changes by hand keep their lines."""
    return tuple(_harmless(one, encoding) for one in tried)


def _harmless(one: Tried, encoding: str) -> Tried:
    def lines(text: str) -> str:
        return "\n".join(clean(line, encoding=encoding) for line in text.splitlines())

    def result(raw: RemedyResult) -> RemedyResult:
        bare = neutral(
            dataclasses.replace(raw, remedy=dataclasses.replace(raw.remedy, edits=(), diff="")),
            encoding=encoding,
        )
        remedy = dataclasses.replace(bare.remedy, diff=lines(raw.remedy.diff))
        return dataclasses.replace(bare, remedy=remedy)

    refusals = tuple(
        dataclasses.replace(neutral(refusal, encoding=encoding), by_hand=lines(refusal.by_hand))
        for refusal in one.refusals
    )
    bare = neutral(dataclasses.replace(one, results=(), refusals=()), encoding=encoding)
    return dataclasses.replace(bare, results=tuple(map(result, one.results)), refusals=refusals)


def remedy_lines(tried: Sequence[Tried], page: Page) -> Iterator[Text]:
    """All culprits, one after the other."""
    for number, one in enumerate(tried):
        if number:
            yield Text()
        yield from _culprit(one, page)


def _culprit(one: Tried, page: Page) -> Iterator[Text]:
    head = f"FIX  {one.route}" if one.results else f"FIX  {one.route}: not tried"
    place = sentences.where(one.culprit)
    yield from layout.ends(Text(head, "bold"), place, page.width, page.glyphs.ellipsis)
    measured = [result for result in one.results if not result.failure]
    if measured:
        said = [f"{units.plural(one.trials, 'trial')} each, interleaved", one.load, f"victims: {one.victims}"]
        yield from layout.flow(said, page.glyphs, page.width, indent=2)
        yield from _table(measured, page)
        yield from _conclusion(one, page)
    for result in one.results:
        yield from _reason(result, page)
    for refusal in one.refusals:
        text = f"cannot be written by machine: {refusal.reason}"
        yield from layout.hang(f"? {refusal.name}: ", text, page.width, indent=2, label_style="yellow")
        if page.verbose:
            yield from (Text(f"        {line}", "dim") for line in refusal.by_hand.splitlines())
    for note in one.notes:
        yield from layout.hang("", note, page.width, indent=4, style="dim")
    chosen = one.recommended
    if chosen is not None:
        yield from _change(chosen, page)


def _table(results: Sequence[RemedyResult], page: Page) -> Iterator[Text]:
    first = results[0]
    rows: list[tuple[str, ...]] = [
        (
            " ",
            _AS_WRITTEN,
            _span(first.original_victim_p99_ns, page),
            "",
            units.rate(first.original_throughput.value),
            "",
            "",
        )
    ]
    rows += [_row(result, page) for result in results]
    lines = layout.table(("", *_COLUMNS), rows, left=(0, 1))
    if max(cell_len(line) for line in lines) > page.width:
        yield from _stacked(results, page)
        return
    yield Text(lines[0], "dim")
    yield Text(lines[1])
    for line, result in zip(lines[2:], results, strict=True):
        yield Text(line, "bold green" if result.recommended else "")


def _row(result: RemedyResult, page: Page) -> tuple[str, ...]:
    predicted = result.predicted_ns
    return (
        page.glyphs.pointer if result.recommended else " ",
        cut_middle(result.remedy.name, _LONGEST_NAME, page.glyphs.ellipsis),
        _span(result.victim_p99_ns, page),
        _change_words(result, page),
        units.rate(result.throughput.value),
        units.duration(predicted) if predicted else "-",
        _signed(result.prediction_error) if predicted else "-",
    )


def _stacked(results: Sequence[RemedyResult], page: Page) -> Iterator[Text]:
    """One below the other, where the page is too narrow for a table."""
    first = results[0]
    yield Text(f"  {_AS_WRITTEN}", "bold")
    figures = [
        f"victims' p99 {_span(first.original_victim_p99_ns, page)}",
        f"{units.rate(first.original_throughput.value)} req/s",
    ]
    yield from layout.flow(figures, page.glyphs, page.width, indent=4)
    for result in results:
        mark, name, *values = _row(result, page)
        yield Text(cut(f"{mark} {name}", page.width, page.glyphs.ellipsis), "bold")
        named = [f"{title} {value}" for title, value in zip(_COLUMNS[1:], values, strict=True)]
        yield from layout.flow(named, page.glyphs, page.width, indent=4)


def _span(value: Between, page: Page) -> str:
    """``14 ms [12–17]``."""
    dash = "-" if page.ascii else "–"
    low, high = (units.duration(round(end)) for end in (value.low, value.high))
    unit = high.rpartition(" ")[2]
    middle = units.duration(round(value.value))
    if low.endswith(f" {unit}") and middle.endswith(f" {unit}"):
        low, high = low.removesuffix(f" {unit}"), high.removesuffix(f" {unit}")
    return f"{middle} [{low}{dash}{high}]"


def _change_words(result: RemedyResult, page: Page) -> str:
    """``-97 %``, or ``3.2 ×`` where it got worse by more than half."""
    ratio = result.change.value
    return f"{ratio:.1f} {page.glyphs.times}" if ratio > _TIMES_FROM else _signed(ratio - 1)


def _signed(share: float) -> str:
    return f"{share:+.0%}".replace("%", " %")


def _conclusion(one: Tried, page: Page) -> Iterator[Text]:
    if one.recommended is None:
        names = ", ".join(result.remedy.name for result in one.results)
        text = f"nothing tried helped (tried: {names})"
        yield from layout.hang(f"  {page.glyphs.cross} ", text, page.width, label_style="bold red")


def _reason(result: RemedyResult, page: Page) -> Iterator[Text]:
    mark = page.glyphs.check if result.recommended else page.glyphs.cross
    style = "bold green" if result.recommended else "dim"
    label = f"{mark} {result.remedy.name}: "
    yield from layout.hang(label, result.reason, page.width, indent=2, label_style=style)
    details = [*result.checks, *result.remedy.caveats] if result.recommended or page.verbose else ()
    for text in details:
        yield from layout.hang("", text, page.width, indent=4, style="dim")


def _change(result: RemedyResult, page: Page) -> Iterator[Text]:
    """The diff where it is short, or else where to see it; for a server, what to type."""
    remedy = result.remedy
    if remedy.server is not None and remedy.server.command:
        yield from layout.hang("use: ", remedy.server.command, page.width, indent=4)
    lines = remedy.diff.splitlines()
    if not lines:
        return
    if len(lines) > _LONGEST_DIFF and not page.verbose:
        yield Text(f"    {units.plural(len(lines), 'line')} of diff: -v shows them, and so does diag fix")
        return
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        style = "bold" if line.startswith(("+++", "---")) else styles.get(line[:1], "")
        yield Text(f"    {cut(line, page.width - 4, page.glyphs.ellipsis)}", style)
