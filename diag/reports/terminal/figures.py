"""Figures of a verdict on the terminal: handlers, strategies side by side, where the time went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from diag import units
from diag.finding import CellResult, HandlerResult, Status, Verdict
from diag.reports import layout, sentences
from diag.reports.terminal.page import Page
from diag.reports.text import cut, cut_middle

_MOST_REASONS = 10
_MOST_ROUTES = 5
_LONGEST_LABEL = 24
_NARROWEST_NOTE = 12


def handler_lines(verdict: Verdict, page: Page) -> Iterator[Text]:
    """Clean ones with the worst value seen, those that failed, and those that were not measured, with why."""
    clean = sentences.clean_handlers(verdict)
    if clean:
        yield from layout.hang(f"{page.glyphs.check} ", clean, page.width, label_style="bold green")
    failed = sentences.failed(verdict.handlers)
    if failed and not any(finding.rule == "errors" for finding in verdict.findings):
        yield from layout.hang("! ", f"failed: {failed}", page.width, label_style="bold yellow")
    yield from _unmeasured(verdict, page)
    if page.verbose and verdict.handlers:
        yield from _handler_table(verdict.handlers, page)


def _unmeasured(verdict: Verdict, page: Page) -> Iterator[Text]:
    """Routes by reason: many share one. What the verdict's own line has said is not said again."""
    routes: dict[str, list[str]] = {}
    for handler in verdict.handlers:
        if handler.status is Status.UNMEASURED and handler.reason != verdict.reason:
            routes.setdefault(handler.reason, []).append(handler.route)
    if not routes:
        return
    lead = f"? {units.count(sum(map(len, routes.values())))} not measured: "
    if len(routes) == 1:
        (text,) = _by_reason(routes, page)
        yield from layout.hang(lead, text, page.width, label_style="bold yellow")
        return
    yield Text(lead.rstrip(), "bold yellow")
    texts = list(_by_reason(routes, page))
    shown = texts if page.verbose else texts[:_MOST_REASONS]
    for text in shown:
        yield from layout.hang("- ", text, page.width, indent=2)
    if len(shown) < len(texts):
        yield Text(f"  and {units.count(len(texts) - len(shown))} other reasons: -v shows all")


def _by_reason(routes: Mapping[str, Sequence[str]], page: Page) -> Iterator[str]:
    for reason, some in routes.items():
        shown = some if page.verbose else some[:_MOST_ROUTES]
        rest = len(some) - len(shown)
        more = f" and {units.count(rest)} more (-v shows all)" if rest else ""
        one = len(some) == 1
        yield f"{some[0]} {reason}" if one else f"{', '.join(shown)}{more}: {reason}"


def _handler_table(handlers: Sequence[HandlerResult], page: Page) -> Iterator[Text]:
    head = ("handler", "requests", "failed", "longest step", "p50", "p99")
    rows = [
        (
            handler.route,
            units.count(handler.requests),
            units.count(handler.failed),
            ("<" if handler.worst_bound else "") + units.duration(handler.worst_ns),
            units.duration(handler.p50_ns),
            units.duration(handler.p99_ns),
        )
        for handler in handlers
        if handler.status is not Status.UNMEASURED
    ]
    if rows:
        yield Text()
        yield from _table(head, rows, page)


def cell_lines(verdict: Verdict, page: Page) -> Iterator[Text]:
    """Strategies side by side; a single cell's figures in one line."""
    cells = verdict.cells
    if not cells:
        return
    if len(cells) == 1:
        (cell,) = cells
        if cell.failure:
            yield from layout.hang("figures: ", f"none, because {cell.failure}", page.width)
        elif cell.requests:
            yield from layout.flow(sentences.figures(cell), page.glyphs, page.width, label="figures: ")
        return
    yield from _cell_table(cells, page)


_COLUMNS = ("req/s", "p50", "p99", "victims' p99", "blocked", "CPU/req", "failed")


def _cell_table(cells: Sequence[CellResult], page: Page) -> Iterator[Text]:
    measured = [cell for cell in cells if not cell.failure]
    if measured:
        yield from _figure_table(measured, page)
    for cell in cells:
        if cell.failure:
            label = cut_middle(cell.label, _LONGEST_LABEL, page.glyphs.ellipsis)
            yield from layout.hang(f"? {label}: ", f"no figures: {cell.failure}", page.width)
    if any(cell.primary for cell in measured):
        yield Text(f"{page.glyphs.pointer} is what the verdict is about", "dim")
    if any(cell.generator_bound for cell in measured):
        yield from layout.hang("* ", "the load generator was the limit here, not the server", page.width)


def _figure_table(cells: Sequence[CellResult], page: Page) -> Iterator[Text]:
    """One row a cell, with the strategy in words where there is room for it."""
    used = [index for index in range(len(_COLUMNS)) if index not in _empty_columns(cells)]
    head = ("", "side by side", *(_COLUMNS[index] for index in used))
    lines = layout.table(head, [_cell_row(cell, page, used) for cell in cells], indent=0, left=(0, 1))
    widest = max(cell_len(line) for line in lines)
    if widest > page.width:
        yield from _stacked(cells, page)
        return
    yield Text(lines[0], "dim")
    room = page.width - widest - 2
    for line, cell in zip(lines[1:], cells, strict=True):
        text = Text(line, "bold" if cell.primary else "")
        if cell.note and room >= _NARROWEST_NOTE:
            text.append(" " * (widest - cell_len(line) + 2))
            text.append(cut(cell.note, room, page.glyphs.ellipsis), "dim")
        yield text


def _empty_columns(cells: Sequence[CellResult]) -> set[int]:
    """Columns in which there is nothing for any cell."""
    empty = {
        3: not any(cell.victim_p99_ns for cell in cells),
        5: not any(cell.cpu_ns_per_request for cell in cells),
        6: not any(cell.failed for cell in cells),
    }
    return {index for index, is_empty in empty.items() if is_empty}


def _cell_row(cell: CellResult, page: Page, used: Sequence[int]) -> tuple[str, ...]:
    figures = (
        units.rate(cell.throughput) + ("*" if cell.generator_bound else ""),
        units.duration(cell.p50_ns),
        units.duration(cell.p99_ns),
        units.duration(cell.victim_p99_ns) if cell.victim_p99_ns else "-",
        units.percent(cell.blocked_share),
        units.duration(cell.cpu_ns_per_request) if cell.cpu_ns_per_request else "-",
        units.count(cell.failed),
    )
    label = cut_middle(cell.label, _LONGEST_LABEL, page.glyphs.ellipsis)
    return (page.glyphs.pointer if cell.primary else " ", label, *(figures[index] for index in used))


def _stacked(cells: Sequence[CellResult], page: Page) -> Iterator[Text]:
    """Cells one below the other, where the page is too narrow for a table."""
    for cell in cells:
        mark = page.glyphs.pointer if cell.primary else " "
        yield Text(cut(f"{mark} {cell.label}", page.width, page.glyphs.ellipsis), "bold")
        yield from layout.flow(sentences.figures(cell), page.glyphs, page.width, indent=4)


def time_lines(verdict: Verdict, page: Page) -> Iterator[Text]:
    """Where requests' time went: one line, and with ``-v`` a table of means by route."""
    facts = sentences.conservation(verdict.conservation)
    if not facts:
        return
    if len(verdict.cells) > 1:
        yield Text()
    yield from layout.flow(facts, page.glyphs, page.width, label="time: ")
    if page.verbose:
        head = ("mean of a request", "client", *(short for _, _, short in sentences.PARTS))
        rows = [
            (
                row.route,
                units.duration(row.client_ns // row.requests),
                *(units.duration(getattr(row, name) // row.requests) for name, _, _ in sentences.PARTS),
            )
            for row in verdict.conservation
            if row.requests
        ]
        yield from _table(head, rows, page)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], page: Page) -> Iterator[Text]:
    """A table whose first column gives way; a row is stacked where even that is too wide."""
    others = layout.table(head[1:], [row[1:] for row in rows], indent=0, left=())
    room = page.width - 4 - max(cell_len(line) for line in others)
    if room < _NARROWEST_NOTE:
        for row in rows:
            yield Text(cut(f"  {row[0]}", page.width, page.glyphs.ellipsis), "bold")
            items = [f"{title} {value}" for title, value in zip(head[1:], row[1:], strict=True)]
            yield from layout.flow(items, page.glyphs, page.width, indent=4)
        return
    fitted = [(cut_middle(row[0], room, page.glyphs.ellipsis), *row[1:]) for row in rows]
    for number, line in enumerate(
        layout.table((cut(head[0], room, page.glyphs.ellipsis), *head[1:]), fitted)
    ):
        yield Text(line, "dim" if number == 0 else "")
