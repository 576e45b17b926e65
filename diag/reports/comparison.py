"""A comparison for people: ranks and figures in as many tables as the page needs, then the answer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from diag import units
from diag.comparison import CellFigures, Comparison, Contest, Difference, Estimate
from diag.reports import layout
from diag.reports.presets import preset_lines
from diag.reports.terminal.page import Page
from diag.reports.text import clean, cut_middle, glyphs_for, neutral

_NARROWEST = 40
_WIDEST = 140
_LONGEST_LABEL = 48
_LABEL_SHARE = 0.55
_GAP = 2


def render(comparison: Comparison, *, width: int = 80, verbose: bool = False, encoding: str = "utf-8") -> str:
    """The report as text without control characters."""
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, legacy_windows=False)
    show(comparison, console, verbose=verbose, encoding=encoding)
    return file.getvalue()


def show(
    comparison: Comparison, console: Console, *, verbose: bool = False, encoding: str | None = None
) -> None:
    """Print the report; `console` knows the width, and whether there is colour."""
    used = encoding or console.encoding
    width = max(_NARROWEST, min(console.width, _WIDEST))
    page = Page(width=width, glyphs=glyphs_for(used), verbose=verbose)
    for line in _lines(neutral(comparison, encoding=used), page):
        line.plain = clean(line.plain, encoding=used)
        line.rstrip()
        console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)


def _lines(comparison: Comparison, page: Page) -> Iterator[Text]:
    title = f"diag compare {' '.join(comparison.targets)}"
    yield Text(cut_middle(title, page.width, page.glyphs.ellipsis), "bold")
    facts = [
        units.duration(comparison.duration_ns),
        f"{units.plural(comparison.trials, 'trial')}, interleaved, seed {comparison.seed}",
        f"{comparison.python}, {units.plural(comparison.cores, 'core')}",
    ]
    yield from layout.flow(facts, page.glyphs, page.width, indent=2)
    for note in comparison.notes:
        yield from layout.hang("note: ", note, page.width, label_style="yellow")
    if not comparison.finished:
        text = "it was broken off: what had been measured by then is compared"
        yield from layout.hang("note: ", text, page.width, label_style="yellow")
    for setting in comparison.settings if page.verbose else ():
        yield from layout.hang("with: ", setting, page.width, label_style="dim", style="dim")
    for contest in comparison.contests:
        yield Text()
        yield from _contest(contest, page)
    yield from preset_lines(comparison, page)
    yield Text()
    if comparison.recording:
        yield Text(f"recording: {comparison.recording}")
    meaning = f" {page.glyphs.dot} ".join(("0 measured", "2 nothing could be measured"))
    yield from layout.hang(f"exit {comparison.exit_code}        ", meaning, page.width, style="dim")


def _contest(contest: Contest, page: Page) -> Iterator[Text]:
    yield from layout.hang(f"{contest.title}  ", contest.common, page.width, label_style="bold")
    measured = [cell for cell in contest.cells if cell.trials]
    if measured:
        yield from _tables(contest, measured, page)
    yield from _remarks(contest, page)
    yield Text()
    for number, sentence in enumerate(contest.verdict):
        lead = f"{page.glyphs.pointer} " if number == 0 else "  "
        yield from layout.hang(lead, sentence, page.width, style="bold" if number == 0 else "")
    for number, sentence in enumerate(contest.why):
        yield from layout.hang("why : " if number == 0 else "      ", sentence, page.width, label_style="dim")


# Tables ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column: its title, and a cell's text in it ("" where there is nothing to say)."""

    title: str
    text: Callable[[CellFigures], str]


def _tables(contest: Contest, cells: Sequence[CellFigures], page: Page) -> Iterator[Text]:
    """The same rows again and again, each time with as many columns as fit."""
    longest = min(_LONGEST_LABEL, round(_LABEL_SHARE * page.width))
    rows = [(_rank(cell), cut_middle(cell.label, longest, page.glyphs.ellipsis)) for cell in cells]
    lead = layout.table(("", "cell"), rows, indent=0, left=(0, 1))
    room = page.width - max(map(cell_len, lead))
    columns = [column for column in _columns(contest) if any(column.text(cell) for cell in cells)]
    first = True
    while columns:
        taken: list[list[str]] = []
        left = room
        while columns:
            texts = [columns[0].title, *((columns[0].text(cell) or "-") for cell in cells)]
            needed = _GAP + max(map(cell_len, texts))
            if taken and needed > left:
                break
            left -= needed
            taken.append(texts)
            columns.pop(0)
        if not first:
            yield Text()
        first = False
        yield from _table(rows, taken)


def _table(rows: Sequence[tuple[str, str]], columns: Sequence[Sequence[str]]) -> Iterator[Text]:
    head = ("", "cell", *(column[0] for column in columns))
    body = [(*row, *(column[number + 1] for column in columns)) for number, row in enumerate(rows)]
    for number, line in enumerate(layout.table(head, body, indent=0, left=(0, 1))):
        best = number > 0 and rows[number - 1][0] == "1"
        yield Text(line, "dim" if number == 0 else "bold" if best else "")


def _rank(cell: CellFigures) -> str:
    return (str(cell.rank) if cell.rank else "-") + ("~" if cell.unstable else "")


def _columns(contest: Contest) -> tuple[_Column, ...]:
    best = next((cell.label for cell in contest.cells if cell.rank), "")
    against = {one.second: one for one in contest.differences if one.first == best}
    return (
        _Column(title="req/s [95 %]", text=lambda cell: _ranged(cell.throughput)),
        _Column(title="p50", text=lambda cell: _time(cell.p50_ns)),
        _Column(title="p99", text=lambda cell: _time(cell.p99_ns)),
        _Column(title="victims' p99", text=lambda cell: _time(cell.victim_p99_ns)),
        _Column(title="generator", text=lambda cell: _share(cell.generator_share)),
        _Column(title="best is", text=lambda cell: _against(against.get(cell.label), contest)),
        _Column(title="blocked", text=lambda cell: _share(cell.blocked_share)),
        _Column(title="CPU/req", text=lambda cell: _time(cell.cpu_ns_per_request)),
        _Column(title="memory", text=lambda cell: _size(cell.memory_bytes)),
        _Column(title="connect p50", text=lambda cell: _time(cell.connect_p50_ns)),
        _Column(title="connect p99", text=lambda cell: _time(cell.connect_p99_ns)),
        _Column(title="failed", text=lambda cell: units.count(cell.failed) if cell.failed else ""),
        _Column(title="timeouts", text=lambda cell: units.count(cell.timeouts) if cell.timeouts else ""),
    )


def _ranged(figure: Estimate | None) -> str:
    if figure is None:
        return ""
    return f"{units.rate(figure.value)} [{units.rate(figure.low)}–{units.rate(figure.high)}]"


def _time(figure: Estimate | None) -> str:
    return units.duration(round(figure.value)) if figure else ""


def _share(figure: Estimate | None) -> str:
    return units.percent(figure.value) if figure else ""


def _size(figure: Estimate | None) -> str:
    return units.size(round(figure.value)) if figure else ""


def _against(one: Difference | None, contest: Contest) -> str:
    """By how much the best is better, or that it was not seen to be."""
    if one is None:
        return ""
    ratio = one.ratio if contest.by.more_is_better else 1 / one.ratio
    return f"{ratio:.3g} × better" if one.seen else "not seen to differ"


# Remarks --------------------------------------------------------------------------------------------------


def _remarks(contest: Contest, page: Page) -> Iterator[Text]:
    for cell in contest.cells:
        if cell.unstable:
            text = (
                cell.unstable_reason or "the recording shows no reason; other work on the machine is likely"
            )
            trials = _extremes(cell.throughput.trials) if cell.throughput else ""
            said = f"{cell.label} is unstable ({trials}): {text}"
            yield from layout.hang("~ ", said, page.width, label_style="yellow")
    for cell in contest.cells:
        if not cell.rank:
            said = f"{cell.label} is not ranked: {cell.unranked}"
            yield from layout.hang("- ", said, page.width, label_style="yellow")
        elif cell.failure:
            said = f"{cell.label}: a trial failed: {cell.failure}"
            yield from layout.hang("! ", said, page.width, label_style="yellow")
    yield from _incidents(contest, page)
    warmed = sum(cell.warmed_up for cell in contest.cells)
    if warmed:
        yield Text(f"{units.plural(warmed, 'request')} of warm-up left out", "dim")
    if page.verbose:
        yield from _pairs(contest.differences, page)


def _incidents(contest: Contest, page: Page) -> Iterator[Text]:
    """What servers did and should not have done."""
    for cell in contest.cells:
        for incident in cell.incidents:
            if cell.failure and incident.lower().startswith(cell.failure.lower()):
                continue  # it has been said
            yield from layout.hang("! ", f"{cell.label}: {incident}", page.width, label_style="yellow")


def _extremes(values: Sequence[float]) -> str:
    return f"{units.rate(min(values))} to {units.rate(max(values))} req/s"


def _pairs(differences: Sequence[Difference], page: Page) -> Iterator[Text]:
    for one in differences:
        seen = "" if one.seen else "  no difference seen"
        high = "∞" if one.high > 1e6 else f"{one.high:.3g}"
        ratio = f"{one.ratio:.3g} [{one.low:.3g}–{high}]{seen}"
        yield from layout.hang("  ", f"{one.first} / {one.second}: {ratio}", page.width)


def cell_list(cells: Sequence[tuple[dict[str, str], str]], width: int) -> list[str]:
    """Every cell there is, and those that cannot be measured here by reason.

    Args:
        cells: each one's names, and why it cannot be measured ("" if it can).
        width: of a line.
    """
    lines: list[str] = []
    for work in dict.fromkeys((values["target"], values["workload"]) for values, _ in cells):
        some = [one for one in cells if (one[0]["target"], one[0]["workload"]) == work]
        here = [values for values, reason in some if not reason]
        lines.append(
            clean(f"{' '.join(filter(None, work))}: {units.plural(len(here), 'cell')} can be measured here")
        )
        lines += _grouped(here, width, "  ")
        missing: dict[str, list[dict[str, str]]] = {}
        for values, reason in some:
            if reason:
                missing.setdefault(reason, []).append(values)
        lines += [f"{units.plural(sum(map(len, missing.values())), 'cell')} cannot:"] if missing else []
        for reason, these in missing.items():
            lines += [line.plain for line in layout.hang("  - ", clean(reason) + ":", width)]
            lines += _grouped(these, width, "      ")
    return lines


def _grouped(cells: Sequence[dict[str, str]], width: int, lead: str) -> list[str]:
    """A line for each framework and server, with the strategies that go with it."""
    groups: dict[str, list[str]] = {}
    for values in cells:
        groups.setdefault(_name(values), []).append(values["strategy"])
    texts = [
        f"{name}{': ' if any(found) else ''}{', '.join(filter(None, found))}"
        for name, found in groups.items()
    ]
    return [line.plain for text in texts for line in layout.hang(lead, clean(text), width)]


def _name(values: dict[str, str]) -> str:
    loop = f"({values['loop']})" if values["loop"] else ""
    return " ".join(part for part in (values["framework"], values["server"], loop) if part)
