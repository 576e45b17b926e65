"""Comments that allow a call: ``# diag: allow time.sleep — reason``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from diag.static.edges import Edge
from diag.static.finding import Problem
from diag.static.knowledge import Effect
from diag.static.model import ModuleInfo

_SHAPE = re.compile(r"(?P<names>[\w.*]+(?:\s*,\s*[\w.*]+)*)(?:\s*(?:—|–|-+|:)\s*(?P<reason>.+))?$")


class Allowances:
    """All comments of some modules, and which of them allowed something."""

    def __init__(self, modules: Iterable[ModuleInfo]) -> None:
        self._by_line: dict[tuple[str, int], list[tuple[int, tuple[str, ...]]]] = {}
        self._used: set[tuple[str, int]] = set()
        self._all: list[tuple[str, int, str]] = []
        self._bad: list[tuple[str, int]] = []
        for module in modules:
            for line, text in module.ir.allowances:
                self._add(module.path, line, text)

    def _add(self, path: str, line: int, text: str) -> None:
        match = _SHAPE.match(text)
        if match is None:
            self._bad.append((path, abs(line)))
            return
        names = tuple(one.strip() for one in match["names"].split(","))
        place = line if line > 0 else 1 - line
        self._by_line.setdefault((path, place), []).append((abs(line), names))
        self._all.append((path, abs(line), ", ".join(names)))

    def take(self, step: object, effect: Effect) -> bool:
        """True if a comment at a call allows what it reaches; the comment counts as used."""
        function, edge = step.function, step.edge  # type: ignore[attr-defined]
        path = function.module.path
        site: Edge = edge
        for line in range(site.site.line, max(site.site.end_line, site.site.line) + 1):
            for comment, names in self._by_line.get((path, line), ()):
                if any(_allows(name, effect.call) or _allows(name, site.name) for name in names):
                    self._used.add((path, comment))
                    return True
        return False

    def problems(self, shown: Callable[[str], str]) -> tuple[Problem, ...]:
        """Comments that allowed nothing, and those that do not say what they allow."""
        unused = [
            Problem(
                slug="unused-allowance",
                path=shown(path),
                line=line,
                message=f"this allows {names}, and nothing here calls that on the loop",
            )
            for path, line, names in self._all
            if (path, line) not in self._used
        ]
        bad = [
            Problem(
                slug="bad-allowance",
                path=shown(path),
                line=line,
                message="this does not say what it allows; write: # diag: allow time.sleep — reason",
            )
            for path, line in self._bad
        ]
        return tuple(sorted([*unused, *bad], key=lambda one: (one.path, one.line)))


def _allows(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern) or name.endswith("." + pattern)
