"""Lines of a given width: wrapping, hanging indents and plain tables, without any frame around them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from diag.reports.text import Glyphs, cut, cut_middle

# A number stays on the line of its unit, and a route in one piece with its figure.
_UNBROKEN = re.compile(
    r"(?<=[0-9]) (?=(?:ns|µs|us|ms|s|min|h|%|B|kB|MB|GB|×)(?![A-Za-z]))"
    r"|(?<=×) (?=\[)"
    r"|(?:(?<=GET)|(?<=PUT)|(?<=POST)|(?<=HEAD)|(?<=PATCH)|(?<=DELETE)|(?<=OPTIONS)) (?=/)"
    r"| (?=\+[0-9])"
)
_GLUE = "\xa0"  # never in a text that was made clean, and one cell wide as a space is
_NARROWEST = 10
_GAP = 2


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken between words, or inside of longer ones."""
    width = max(width, _NARROWEST)
    lines: list[str] = []
    line = ""
    for word in _UNBROKEN.sub(_GLUE, text).split(" "):
        rest = word
        if line and cell_len(line) + 1 + cell_len(rest) > width:
            lines.append(line)
            line = ""
        while cell_len(rest) > width:
            head = cut(rest, width, "")
            lines.append(head)
            rest = rest[len(head) :]
        line = f"{line} {rest}" if line else rest
    lines.append(line)
    return [line.replace(_GLUE, " ").rstrip() for line in lines]


def hang(
    label: str, text: str, width: int, *, style: str = "", label_style: str = "", indent: int = 0
) -> list[Text]:
    """A label and its text; further lines begin below the text's first letter."""
    lead = " " * indent + label
    column = cell_len(lead)
    lines = wrap(text, width - column)
    return [
        Text.assemble((lead if number == 0 else " " * column, label_style), (line, style))
        for number, line in enumerate(lines)
    ]


def flow(items: Sequence[str], glyphs: Glyphs, width: int, *, label: str = "", indent: int = 0) -> list[Text]:
    """Facts with dots between them, broken at a dot wherever one is near."""
    lead = " " * indent + label
    room = max(width - cell_len(lead), _NARROWEST)
    lines: list[str] = []
    for number, item in enumerate(items, start=1):
        joined = f"{lines[-1]} {glyphs.dot} {item}" if lines else item
        dot_after = _GAP if number < len(items) else 0
        if lines and cell_len(joined) + dot_after <= room:
            lines[-1] = joined
            continue
        if lines:
            lines[-1] += f" {glyphs.dot}"
        lines.extend(wrap(item, room - dot_after))
    return [Text((lead if number == 0 else " " * cell_len(lead)) + line) for number, line in enumerate(lines)]


def ends(left: Text, right: str, width: int, ellipsis: str, *, style: str = "") -> list[Text]:
    """A line with `right` at its right end; on a line of its own where there is no room."""
    if not right:
        return [left]
    room = width - left.cell_len - _GAP
    if cell_len(right) <= room:
        return [left + Text(" " * (width - left.cell_len - cell_len(right))) + Text(right, style)]
    shortened = cut_middle(right, width - _GAP * 2, ellipsis)
    return [left, Text(" " * (width - cell_len(shortened)) + shortened, style)]


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 2, left: Sequence[int] = (0,)
) -> list[str]:
    """Columns with two spaces between them, numbers to the right; the first line is the head.

    Args:
        head: a title each column.
        rows: of as many cells as `head`.
        indent: spaces before each line.
        left: numbers of the columns that are text.
    """
    widths = [max(cell_len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = []
        for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
            padding = " " * (width - cell_len(cell))
            cells.append(cell + padding if index in left else padding + cell)
        lines.append((" " * indent + (" " * _GAP).join(cells)).rstrip())
    return lines
