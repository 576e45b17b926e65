"""Two changes of one text made together, line by line, as git merges them. Pure."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass

from diag.diffs import lines


class Conflict(Exception):
    """Two changes touch the same lines."""


@dataclass(frozen=True, slots=True, order=True)
class _Hunk:
    """Lines `start` to `end` of the original become others."""

    start: int
    end: int
    lines: tuple[str, ...]


def merged(base: str, first: str, second: str) -> str:
    """A text with both of two changes.

    What both add, such as an import or a function, is added once. Imports that both add at one place go in
    the order of the alphabet.

    Args:
        base: the text that both changes are of.
        first: it with one change.
        second: it with the other.

    Raises:
        Conflict: both change the same lines, or the result is not Python.
    """
    if first in (base, second):
        return second
    old = lines(base)
    hunks = _joined(_hunks(old, lines(first)), _hunks(old, lines(second)))
    result: list[str] = []
    at = 0
    for hunk in hunks:
        if hunk.start < at:
            raise Conflict
        result += [*old[at : hunk.start], *hunk.lines]
        at = hunk.end
    text = "".join([*result, *old[at:]])
    try:
        text = _without_doubles(text, base)
        compile(text, "merged", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise Conflict from error
    return text


def _without_doubles(text: str, base: str) -> str:
    """A text in which a function that both changes define stands once."""
    before = {ast.dump(one) for one in ast.parse(base).body}
    seen: set[str] = set()
    rows = lines(text)
    for statement in ast.parse(text).body:
        dump = ast.dump(statement)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and dump in seen - before:
            first = min([statement.lineno, *(one.lineno for one in statement.decorator_list)]) - 1
            after = statement.end_lineno or statement.lineno
            while after < len(rows) and not rows[after].strip():
                after += 1
            rows[first:after] = [""] * (after - first)
        seen.add(dump)
    return "".join(rows)


def _joined(first: list[_Hunk], second: list[_Hunk]) -> list[_Hunk]:
    """The hunks of both in order; what both add at one place is joined."""
    chosen: list[_Hunk] = []
    for hunk in sorted({*first, *second}):
        last = chosen[-1] if chosen else None
        if last is not None and last.start == last.end == hunk.start == hunk.end:
            chosen[-1] = _Hunk(hunk.start, hunk.end, _added(last.lines, hunk.lines))
        else:
            chosen.append(hunk)
    return chosen


def _added(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """What two changes add at one place."""
    if all(line.startswith(("import ", "from ")) for line in (*first, *second)):
        return tuple(sorted({*first, *second}))
    if _blocks(second) & _blocks(first):
        new = [block for block in _in_order(second) if block not in _blocks(first)]
        return (*first, *(line for block in new for line in block))
    return (*first, *second)


def _in_order(added: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Added definitions, each with the empty lines behind it."""
    blocks: list[list[str]] = []
    for line in added:
        begins = not blocks or (line[:1].strip() and not blocks[-1][-1].strip())
        if begins:
            blocks.append([])
        blocks[-1].append(line)
    return [tuple(block) for block in blocks]


def _blocks(added: tuple[str, ...]) -> set[tuple[str, ...]]:
    return set(_in_order(added))


def _hunks(base: list[str], changed: list[str]) -> list[_Hunk]:
    matcher = difflib.SequenceMatcher(None, base, changed, autojunk=False)
    return [
        _Hunk(start, end, tuple(changed[new_start:new_end]))
        for tag, start, end, new_start, new_end in matcher.get_opcodes()
        if tag != "equal"
    ]
