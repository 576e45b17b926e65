"""A verdict for people at a terminal, or in a log: the same words, with colour where there is one.

Colour never carries meaning alone: each kind of finding has its symbol and its word.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from rich.console import Console
from rich.text import Text

from diag import units
from diag.finding import Status, Verdict
from diag.remedy import Tried
from diag.reports import layout, sentences
from diag.reports.terminal.figures import cell_lines, handler_lines, time_lines
from diag.reports.terminal.findings import finding_lines
from diag.reports.terminal.page import Page
from diag.reports.terminal.remedies import harmless, remedy_lines
from diag.reports.terminal.strip import strip_lines
from diag.reports.text import cut_middle, glyphs_for, neutral

# Narrower terminals wrap by themselves; wider lines are hard to read.
_NARROWEST = 40
_WIDEST = 140
_HEAD_GAP = 6


class Part(Enum):
    """What of a report is printed: all, or what is known before remedies are tried, and what came of them."""

    ALL = "all"
    DIAGNOSIS = "diagnosis"
    AFTER = "after"


_Section = Callable[[Verdict, Page], Iterator[Text]]


def render(
    verdict: Verdict, *, width: int = 80, color: bool = False, verbose: bool = False, encoding: str = "utf-8"
) -> str:
    """The report as text.

    Args:
        verdict: what to tell; every text in it is made harmless first.
        width: cells a line.
        color: True for ANSI colours, False for no control characters at all.
        verbose: True adds a line for each handler, all evidence, and where requests' time went.
        encoding: of the output, which decides on symbols.
    """
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
    )
    show(verdict, console, verbose=verbose, encoding=encoding)
    return file.getvalue()


def show(
    verdict: Verdict,
    console: Console,
    *,
    verbose: bool = False,
    encoding: str | None = None,
    tried: Sequence[Tried] = (),
    part: Part = Part.ALL,
) -> None:
    """Print the report; `console` knows the width, and whether there is colour.

    Args:
        verdict: what to tell.
        console: where to.
        verbose: True leaves nothing out.
        encoding: of the output, the console's own unless given.
        tried: what was tried against each culprit.
        part: the diagnosis before anything was tried, what came after it, or all.
    """
    used = encoding or console.encoding
    width = max(_NARROWEST, min(console.width, _WIDEST))
    page = Page(width=width, glyphs=glyphs_for(used), verbose=verbose)
    for line in _lines(neutral(verdict, encoding=used), harmless(tried, used), page, part):
        if "µ" in line.plain and page.ascii:
            line.plain = line.plain.replace("µ", "u")
        line.rstrip()
        console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)


def _lines(verdict: Verdict, tried: Sequence[Tried], page: Page, part: Part) -> Iterator[Text]:
    def remedies(_verdict: Verdict, page: Page) -> Iterator[Text]:
        return remedy_lines(tried, page)

    def writing(verdict: Verdict, _page: Page) -> Iterator[Text]:
        if verdict.recording and any(one.recommended and one.recommended.remedy.diff for one in tried):
            yield Text(f"to write what is recommended: diag fix {verdict.recording} --apply")

    diagnosis: tuple[tuple[_Section, ...], ...] = (
        (_head, _data),
        (_status,),
        (strip_lines,),
        (finding_lines,),
        (handler_lines,),
        (cell_lines, time_lines),
    )
    after: tuple[tuple[_Section, ...], ...] = ((remedies,), (writing, _end))
    sections = {Part.ALL: diagnosis + after, Part.DIAGNOSIS: diagnosis, Part.AFTER: after}[part]
    for number, section in enumerate(sections):
        lines = [line for one in section for line in one(verdict, page)]
        if lines and (number or part is Part.AFTER):
            yield Text()
        yield from lines


def _head(verdict: Verdict, page: Page) -> Iterator[Text]:
    title = f"diag explain {verdict.summary.target}"
    facts = sentences.facts(verdict.summary)
    together = " " * _HEAD_GAP + f" {page.glyphs.dot} ".join(facts)
    line = Text.assemble((title, "bold"), together)
    if line.cell_len <= page.width:
        yield line
        return
    yield Text(cut_middle(title, page.width, page.glyphs.ellipsis), "bold")
    yield from layout.flow(facts, page.glyphs, page.width, indent=2)


def _data(verdict: Verdict, page: Page) -> Iterator[Text]:
    facts = sentences.data(verdict.quality, page.glyphs)
    yield from layout.flow(facts, page.glyphs, page.width, label="data: ")
    for reason in verdict.quality.degradations:
        yield from layout.hang("note: ", reason, page.width, label_style="yellow")
    if verdict.quality.settings:
        text = " ".join(verdict.quality.settings)
        yield from layout.hang("with: ", text, page.width, label_style="dim", style="dim")


def _status(verdict: Verdict, page: Page) -> Iterator[Text]:
    """The verdict's own line, where no finding says it: clean, or unmeasured."""
    if verdict.status is Status.UNMEASURED:
        reason = verdict.reason or "it could not be measured"
        yield from layout.hang("? UNMEASURED  ", reason, page.width, label_style="bold yellow")
    elif verdict.status is Status.CLEAN:
        least = units.duration(verdict.threshold_ns)
        text = f"nothing held {sentences.held_name(verdict)} for {least} or longer"
        yield from layout.hang(f"{page.glyphs.check} CLEAN  ", text, page.width, label_style="bold green")


def _end(verdict: Verdict, page: Page) -> Iterator[Text]:
    expectation = verdict.expectation
    if expectation is not None:
        symbol = page.glyphs.check if expectation.met else page.glyphs.cross
        style = "bold green" if expectation.met else "bold red"
        text = f"as expected: {expectation.expected}"
        if not expectation.met:
            text = f"not as expected: found {expectation.found}, expected {expectation.expected}"
        yield from layout.hang(f"{symbol} ", text, page.width, label_style=style)
    if verdict.recording:
        yield Text(f"recording: {verdict.recording}")  # never shortened: it is there to be copied
    said = [verdict.status.value.upper(), sentences.held(verdict)]
    yield from layout.flow([fact for fact in said if fact], page.glyphs, page.width, label="verdict: ")
    meaning = f" {page.glyphs.dot} ".join(("0 clean", "1 blocked", "2 could not tell"))
    label = f"exit {verdict.exit_code}        "
    yield from layout.hang(label, meaning, page.width, label_style="bold", style="dim")
