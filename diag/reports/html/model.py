"""What a report's page says: plain values, so that a test reads them and a template only places them."""

from __future__ import annotations

from dataclasses import dataclass

from diag.reports.html.charts import Availability, Ridges, Table, Whiskers
from diag.reports.html.drawn import Timeline
from diag.reports.html.remedies import TriedView


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One of the figures below the verdict.

    Attributes:
        title: what it is.
        value: the figure.
        detail: what it means here.
        tone: ``good``, ``bad``, ``doubtful`` or ``plain``.
        before: a figure that `value` is compared with, "" if there is none.
    """

    title: str
    value: str
    detail: str
    tone: str = "plain"
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The top of a page.

    Attributes:
        status: a value of `diag.finding.Status`, or ``compared``.
        word: the status as a label.
        sentence: the verdict.
        more: what follows it, sentences.
        facts: what was run.
        notes: what was measured less well.
        tiles: figures.
    """

    status: str
    word: str
    sentence: str
    more: tuple[str, ...]
    facts: tuple[str, ...]
    notes: tuple[str, ...]
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A line of an excerpt.

    Attributes:
        number: from 1.
        text: with its indentation.
        heat: 0 to 10.
        share: of the culprit's time, in words, "" for none.
        culprit: True for the finding's line.
    """

    number: int
    text: str
    heat: int
    share: str
    culprit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a bar: percent from the left, and how wide."""

    slug: str
    words: str
    text: str
    at: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Frames of a stack in a row that are all the user's, or all not.

    Attributes:
        user: True if they are the user's.
        packages: whose they are otherwise, in words.
        frames: function and place, outermost first.
    """

    user: bool
    packages: str
    frames: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VictimRow:
    """Those of one route that a finding delayed."""

    label: str
    count: str
    total: str
    worst: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A finding.

    Attributes:
        number: its index among the findings.
        rule, severity, confidence: slugs and words.
        symbol: its sign, which colour only repeats.
        title, where, function: what, and where.
        said: number and length of its blocks.
        why, advice: sentences.
        evidence: sentences.
        excerpt: source around the line, () if it is not shown, then `withheld` says why.
        causes: the split.
        stack: the heaviest stack, outermost first, with `stack_note`.
        victims: who paid; `cost` sums them up.
        tried: remedies, and what came of them.
        blocks: how many of its blocks the timeline shows.
    """

    number: int
    rule: str
    severity: str
    confidence: str
    symbol: str
    title: str
    where: str
    function: str
    said: tuple[str, ...]
    why: str
    advice: str
    evidence: tuple[str, ...]
    excerpt: tuple[SourceLine, ...]
    withheld: str
    causes: tuple[Share, ...]
    stack: tuple[Fold, ...]
    stack_note: str
    victims: tuple[VictimRow, ...]
    cost: str
    tried: TriedView
    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """One of the requests that a finding delayed most: its index in the timeline, or -1."""

    request: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """What one finding cost one route.

    Attributes:
        text: request-milliseconds, "" for nothing.
        heat: 0 to 10, of the largest cell.
        count: requests, in words.
        worst: the most delayed ones.
        finding, group: for the page's script.
    """

    text: str
    heat: int
    count: str
    worst: tuple[Worst, ...] = ()
    finding: int = -1
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Culprit line × victim route.

    Attributes:
        columns: routes.
        rows: a culprit's place and title, its cells and their sum.
        totals: of the columns.
        left_out: what is not shown, in words.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[MatrixCell, ...], str], ...]
    totals: tuple[str, ...]
    left_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A rule or a handler that is in order, or that could not be judged.

    Attributes:
        symbol, word: passed, not applicable, not measured.
        name: of it.
        text: the worst value seen, or the reason.
        look: the style's class, where `word` is not one.
    """

    symbol: str
    word: str
    name: str
    text: str
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foot:
    """Where a page comes from: pairs of a title and a text."""

    facts: tuple[tuple[str, str], ...]
    blind: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A page of one run.

    Attributes:
        title: of the window.
        head, foot: top and bottom.
        timeline: None if there is nothing to draw; `no_timeline` says why.
        matrix: None if nobody waited.
        cards: findings.
        compared: charts of strategies or routes.
        tables: figures of the same.
        remedied: True if remedies were tried.
        availability: None where no step was recorded.
        checks: passed, not applicable, not measured.
        raw: the verdict as JSON, made safe for HTML.
        data: the timeline as JSON, made safe for HTML.
    """

    title: str
    head: Head
    foot: Foot
    timeline: Timeline | None = None
    no_timeline: str = ""
    matrix: Matrix | None = None
    cards: tuple[Card, ...] = ()
    compared: tuple[Ridges | Whiskers, ...] = ()
    tables: tuple[Table, ...] = ()
    remedied: bool = False
    availability: Availability | None = None
    checks: tuple[Checked, ...] = ()
    raw: str = "{}"
    data: str = "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestView:
    """Cells that do the same work.

    Attributes:
        title, common: what they do, and what they share.
        verdict, why: sentences.
        charts, table: figures.
        remarks: what is not ranked, unstable or failed.
    """

    title: str
    common: str
    verdict: tuple[str, ...]
    why: tuple[str, ...]
    charts: tuple[Ridges | Whiskers, ...]
    table: Table
    remarks: tuple[Checked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """A claim of a published comparison with its verdict.

    Attributes:
        symbol, word: of the verdict.
        claim: in quotation marks where it is quoted.
        because: what says so.
        explained: sentences.
    """

    symbol: str
    word: str
    claim: str
    because: str
    explained: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReport:
    """A page of what became of two recordings.

    Attributes:
        title: of the window.
        head, foot: top and bottom.
        charts: distributions of the routes, before and after.
        table: figures of the routes.
        findings: what became of each.
        raw: the change as JSON, made safe for HTML.
    """

    title: str
    head: Head
    charts: tuple[Ridges, ...]
    table: Table
    findings: tuple[Checked, ...]
    foot: Foot
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReport:
    """A page of one comparison.

    Attributes:
        title: of the window.
        head, foot: top and bottom.
        contests: one a workload.
        published: figures of a published comparison beside those measured, None if it is the user's own.
        claims: of a published comparison, judged.
        raw: the comparison as JSON, made safe for HTML.
    """

    title: str
    head: Head
    foot: Foot
    contests: tuple[ContestView, ...]
    raw: str
    published: Table | None = None
    claims: tuple[ClaimView, ...] = ()
