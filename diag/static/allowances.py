"""Comments that allow a call: ``# diag: allow time.sleep — reason``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from diag.static.edges import Edge
from diag.static.finding import Problem
from diag.static.knowledge import Effect
from diag.static.model import FunctionInfo, ModuleInfo

_SHAPE = re.compile(r"(?P<names>[\w.*]+(?:\s*,\s*[\w.*]+)*)(?:\s*(?:—|–|-+|:)\s*(?P<reason>.+))?$")


class Allowances:
    """Comments by module, read when a call in it is first asked about, and which of them were used."""

    def __init__(self) -> None:
        self._known: dict[str, list[_Allowance]] = {}
        self._used: set[_Allowance] = set()

    def _of(self, module: ModuleInfo) -> list[_Allowance]:
        known = self._known.get(module.path)
        if known is None:
            written = module.ir.allowances
            known = self._known[module.path] = [_read(line, text, module) for line, text in written]
        return known

    def take(self, function: FunctionInfo, edge: Edge, effect: Effect) -> bool:
        """True if a comment at a call allows what it reaches; the comment counts as used."""
        if not function.module.ir.allowances:
            return False
        lines = range(edge.site.line, max(edge.site.end_line, edge.site.line) + 1)
        for one in self._of(function.module):
            if one.place in lines and any(
                _allows(name, called) for name in one.names for called in (effect.call, edge.name)
            ):
                self._used.add(one)
                return True
        return False

    def problems(self, modules: Iterable[ModuleInfo], shown: Callable[[str], str]) -> tuple[Problem, ...]:
        """Comments that allowed nothing, and those that do not say what they allow."""
        found = [
            Problem(
                slug="unused-allowance" if one.names else "bad-allowance",
                path=shown(module.path),
                line=one.line,
                message=f"this allows {', '.join(one.names)}, and nothing here calls that on the loop"
                if one.names
                else "this does not say what it allows; write: # diag: allow time.sleep — reason",
            )
            for module in modules
            for one in self._of(module)
            if one not in self._used
        ]
        return tuple(sorted(found, key=lambda one: (one.path, one.line)))


@dataclass(frozen=True, slots=True)
class _Allowance:
    """A comment: its file and line, the line that it is about, and what it allows (() if unclear)."""

    path: str
    line: int
    place: int
    names: tuple[str, ...]


def _read(line: int, text: str, module: ModuleInfo) -> _Allowance:
    match = _SHAPE.match(text)
    names = () if match is None else tuple(one.strip() for one in match["names"].split(","))
    return _Allowance(module.path, abs(line), line if line > 0 else 1 - line, names)


def _allows(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern) or name.endswith("." + pattern)
