"""When each loop was blocked: a strip of the load's time, with letters for the causes below it.

A bar's height is the share of its stretch of time that was blocked, so that one short block is not drawn as a
long one; run-queue wait is left out, as in every figure. The cause is a letter, and not only a colour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.text import Text

from diag import units
from diag.finding import BlockRef, Cause, LaneTime, Verdict
from diag.reports import layout
from diag.reports.terminal.page import Page

_MOST_LANES = 4
_WIDEST = 100
_GAP = 2

_LETTERS = {
    Cause.CPU_GIL: "c",
    Cause.CPU_NO_GIL: "n",
    Cause.CPU: "c",
    Cause.WAITING: "w",
    Cause.GIL_WAIT: "g",
    Cause.RUN_QUEUE: "m",
}
_WORDS = {
    "c": "computes",
    "n": "computes without the GIL",
    "w": "waits",
    "g": "waits for the GIL",
    "m": "the machine ran something else",
}
_STYLES = {"c": "red", "n": "magenta", "w": "yellow", "g": "cyan", "m": "dim"}


@dataclass(slots=True)
class _Bin:
    """A stretch of one lane's time: what it was blocked for, by letter."""

    blocked: Counter[str] = field(default_factory=Counter)

    @property
    def letter(self) -> str:
        """Of most of its blocked time."""
        return max(sorted(self.blocked), key=lambda one: self.blocked[one]) if self.blocked else " "


def strip_lines(verdict: Verdict, page: Page) -> Iterator[Text]:
    """The strip of each lane that was blocked, the most blocked first; nothing if none was."""
    blocks: dict[int, list[BlockRef]] = {}
    for finding in verdict.findings:
        for block in finding.blocks:
            blocks.setdefault(block.lane_id, []).append(block)
    lanes = [lane for lane in verdict.lanes if lane.end_ns > lane.start_ns]
    blocked = {lane.lane_id: _blocked_ns(lane, blocks.get(lane.lane_id, ())) for lane in lanes}
    lanes = sorted((lane for lane in lanes if blocked[lane.lane_id]), key=lambda one: -blocked[one.lane_id])
    if not lanes:
        return
    shown = lanes if page.verbose else lanes[:_MOST_LANES]
    labels = _labels(shown, several=len(verdict.lanes) > 1)
    indent = max(map(len, labels)) + _GAP
    columns = max(10, min(_WIDEST, page.width - indent - _GAP))
    letters: set[str] = set()
    for label, lane in zip(labels, shown, strict=True):
        bins = _bins(lane, blocks[lane.lane_id], columns)
        letters.update(one.letter for one in bins)
        length = (lane.end_ns - lane.start_ns) / columns
        yield _bars(label.ljust(indent), bins, length, page)
        yield _letters(" " * indent, bins)
    yield _axis(shown[0], indent, columns)
    rest = len(lanes) - len(shown)
    named = [f"{letter} {_WORDS[letter]}" for letter in _WORDS if letter in letters]
    more = [f"{units.plural(rest, 'more lane')} blocked: -v shows all"] if rest else []
    yield from layout.flow([*named, *more], page.glyphs, page.width, indent=indent)


def _labels(lanes: Sequence[LaneTime], *, several: bool) -> list[str]:
    return [("loop" if lane.loop else "worker") + (f" {lane.lane_id}" if several else "") for lane in lanes]


def _blocked_ns(lane: LaneTime, blocks: Sequence[BlockRef]) -> int:
    return sum(
        max(0, min(block.end_ns, lane.end_ns) - max(block.start_ns, lane.start_ns)) for block in blocks
    )


def _bins(lane: LaneTime, blocks: Sequence[BlockRef], columns: int) -> list[_Bin]:
    bins = [_Bin() for _ in range(columns)]
    length = (lane.end_ns - lane.start_ns) / columns
    for block in blocks:
        start = max(block.start_ns, lane.start_ns) - lane.start_ns
        end = min(block.end_ns, lane.end_ns) - lane.start_ns
        if end <= start:
            continue
        letter, own = _letter(block), min(1.0, block.own_ns / (block.end_ns - block.start_ns))
        for place in range(int(start / length), min(columns - 1, int(end / length)) + 1):
            part = min(end, (place + 1) * length) - max(start, place * length)
            bins[place].blocked[letter] += max(0, round(part * own))
    return [_Bin(Counter({k: v for k, v in one.blocked.items() if v})) for one in bins]


def _letter(block: BlockRef) -> str:
    own = [share for share in block.causes if share.cause is not Cause.RUN_QUEUE] or list(block.causes)
    if not own:
        return _LETTERS[Cause.CPU]
    return _LETTERS[max(own, key=lambda share: share.ns).cause]


def _bars(lead: str, bins: Sequence[_Bin], length: float, page: Page) -> Text:
    levels = page.glyphs.levels
    text = Text(lead, "dim")
    for one in bins:
        share = min(1.0, one.blocked.total() / length)
        # Any block at all is seen: the lowest bar stands for less than its height.
        level = max(1, round(share * (len(levels) - 1))) if share > 0 else 0
        text.append(levels[level], _STYLES.get(one.letter, "") if level else "dim")
    return text


def _letters(lead: str, bins: Sequence[_Bin]) -> Text:
    text = Text(lead)
    for one in bins:
        text.append(one.letter, _STYLES.get(one.letter, ""))
    return text


def _axis(lane: LaneTime, indent: int, columns: int) -> Text:
    """The time at both ends, and in the middle where there is room."""
    time = lane.end_ns - lane.start_ns
    end, middle = units.duration(time), units.duration(time // 2)
    line = "0".ljust(columns - len(end)) + end
    place = columns // 2 - len(middle) // 2
    if place > _GAP and place + len(middle) + _GAP <= columns - len(end):
        line = line[:place] + middle + line[place + len(middle) :]
    return Text(" " * indent + line, "dim")
