"""A published comparison that was run again: its figures beside those measured, and its claims, judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from diag import units
from diag.comparison import ClaimVerdict, Comparison, Estimate, PublishedFigure, Ruling
from diag.reports import layout
from diag.reports.terminal.page import Page
from diag.reports.text import Glyphs, clean, cut_middle

_LONGEST_LABEL = 48
_THOUSAND = 1_000
_MILLISECOND_NS = 1_000_000
_SECOND_NS = 1_000_000_000
_STYLES = {
    Ruling.HOLDS: "green",
    Ruling.FAILS: "red",
    Ruling.NO_DIFFERENCE: "yellow",
    Ruling.CANNOT_TELL: "yellow",
}


def preset_lines(comparison: Comparison, page: Page) -> Iterator[Text]:
    """What a preset adds to the report of its cells: nothing for a comparison of the user's own."""
    if comparison.published:
        yield Text()
        yield from _figures(comparison.published, page)
    for number, claim in enumerate(comparison.claims):
        yield Text()
        if number == 0:
            scaled = "" if comparison.scale == 1 else f", at scale {comparison.scale:g}"
            yield Text(f"what was claimed{scaled}", "bold")
        yield from _claim(claim, page)


def preset_cell_list(cells: Sequence[tuple[str, bool, str]], width: int) -> list[str]:
    """The cells of a preset.

    Args:
        cells: what each is, whether figures of it were published, and why it cannot be measured here.
        width: of a line.
    """
    lines = []
    for name, published, reason in cells:
        lead = "  " if published else "+ "
        said = f"{name}{f': cannot be measured here: {reason}' if reason else ''}"
        lines += [line.plain for line in layout.hang(lead, clean(said), width)]
    return [*lines, "+ was not published; it is measured to explain the others"]


def _figures(figures: Sequence[PublishedFigure], page: Page) -> Iterator[Text]:
    """One table where it fits; else each figure's name stands on a line of its own above it."""
    kinds = {one.figure for one in figures}
    common = next(iter(kinds)) if len(kinds) == 1 else ""
    titles = (f"published {common}".rstrip(), "here [95 %]", "generator")
    names = ["" if common else one.figure for one in figures]
    values = [(published_words(one), *measured_words(one)) for one in figures]
    labels = [f"  {cut_middle(one.cell, _LONGEST_LABEL, page.glyphs.ellipsis)}" for one in figures]
    rows = [(label, name, *row) for label, name, row in zip(labels, names, values, strict=True)]
    lines = layout.table(("", "", *titles), rows, indent=0, left=(0, 1))
    narrow = max(map(cell_len, lines)) > page.width
    if narrow:
        lines = layout.table(("", *titles), [("  ", *row) for row in values], indent=0, left=(0,))
    yield Text("published, and measured here", "bold")
    yield Text(lines[0], "dim")
    contest = ""
    for one, name, line in zip(figures, names, lines[1:], strict=True):
        if one.contest != contest:
            yield from layout.hang("", one.contest, page.width)
            contest = one.contest
        if narrow:
            yield from layout.hang("  ", f"{one.cell}{name and f': {name}'}", page.width)
        yield Text(line)
    for remark in dict.fromkeys(one.remark for one in figures if one.remark):
        yield from layout.hang("note: ", remark, page.width, label_style="yellow")


def measured_words(one: PublishedFigure) -> tuple[str, str]:
    """The measured figure with its interval, and how busy the load generator was."""
    if one.measured is None:
        return "no figures", "-"
    share = units.percent(one.generator_share.value) if one.generator_share else "-"
    return _ranged(one, one.measured), share


def _ranged(one: PublishedFigure, found: Estimate) -> str:
    low, high = _value(one, found.low), _value(one, found.high)
    if one.durations:
        low = low.removesuffix(f" {high.rpartition(' ')[2]}")
    return f"{_value(one, found.value)} [{low}–{high}]"


def published_words(one: PublishedFigure) -> str:
    """With the digits that were published, four at most."""
    if not one.durations:
        return f"{one.published:,.4g}" if one.published < _THOUSAND else f"{one.published:,.0f}"
    if one.published < _SECOND_NS:
        return f"{one.published / _MILLISECOND_NS:.4g} ms"
    return f"{one.published / _SECOND_NS:.4g} s"


def _value(one: PublishedFigure, value: float) -> str:
    return units.duration(round(value)) if one.durations else units.rate(value)


def claim_words(claim: ClaimVerdict) -> str:
    """A claim: in quotation marks, or as what its figures say."""
    return f'"{claim.claim}"' if claim.quoted else f"its figures say: {claim.claim}"


def _claim(claim: ClaimVerdict, page: Page) -> Iterator[Text]:
    said = claim_words(claim)
    mark = mark_of(claim.ruling, page.glyphs)
    yield from layout.hang(
        f"{mark} {claim.ruling.value}: ", said, page.width, label_style=f"bold {_STYLES[claim.ruling]}"
    )
    because = "because " if claim.ruling is Ruling.CANNOT_TELL else "here: "
    yield from layout.hang(because, claim.because, page.width, indent=2, label_style="dim")
    for sentence in claim.explained:
        yield from layout.hang(f"{page.glyphs.dot} ", sentence, page.width, indent=4)


def mark_of(ruling: Ruling, glyphs: Glyphs) -> str:
    """The symbol of a ruling."""
    return {Ruling.HOLDS: glyphs.check, Ruling.FAILS: glyphs.cross, Ruling.NO_DIFFERENCE: "="}.get(
        ruling, "?"
    )
