"""Charts and tables as values: what their rows say, and where their marks lie."""

from __future__ import annotations

from dataclasses import dataclass

from diag.reports.html.figures import LogAxis, Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridge:
    """One distribution on a shared axis.

    Attributes:
        label, note: whose it is.
        path: its outline; "" if there are no values.
        marks: percentiles: name, percent of the axis, text.
        count: how many values, in words.
        flags: what to know of it: generator-bound, unstable.
        strong: True for the one that the verdict is about.
        failure: why there is none.
    """

    label: str
    note: str = ""
    path: str = ""
    marks: tuple[tuple[str, float, str], ...] = ()
    count: str = ""
    flags: tuple[str, ...] = ()
    strong: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridges:
    """Distributions over each other."""

    title: str
    lead: str
    axis: LogAxis
    ridges: tuple[Ridge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """A figure with its interval on a linear axis; percent.

    Attributes:
        label, text: in words.
        at, low, high: places; `low` is `high` where there is no interval.
        trials: places of the single trials.
    """

    label: str
    text: str
    at: float
    low: float
    high: float
    trials: tuple[float, ...] = ()
    note: str = ""
    flags: tuple[str, ...] = ()
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whiskers:
    """Figures of several cells, side by side."""

    title: str
    lead: str
    ticks: tuple[Tick, ...]
    whiskers: tuple[Whisker, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Words in columns; the first is text, the others are figures.

    Attributes:
        caption: what it is.
        head: titles.
        rows: cells.
        strong: numbers of the rows that stand out.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """The worst window of each length, and how long steps and waits were.

    Attributes:
        axis: of the window's length.
        line, area: paths.
        samples: points to name: length, share, in words, and places.
        ridges: distributions of steps and waits.
        note: what is not in them.
    """

    axis: LogAxis
    line: str
    area: str
    samples: tuple[tuple[str, str], ...]
    ridges: Ridges | None
    note: str
