"""Culprits as findings: with paths as shown, source lines and fingerprints."""

from __future__ import annotations

import os
from collections import Counter
from functools import lru_cache

from diag.finding import Severity
from diag.static.finding import (
    Analysis,
    BlockKind,
    Handler,
    Hop,
    RootKind,
    Rule,
    StaticFinding,
    fingerprint,
)
from diag.static.model import FunctionInfo
from diag.static.propagate import Culprit, Step


class Report:
    """Puts findings into words.

    Args:
        root: the folder that paths are shown relative to.
        roots: functions on the loop, with kind and route.
    """

    def __init__(self, root: str, roots: dict[FunctionInfo, tuple[RootKind, str]]) -> None:
        self._root = root
        self._roots = roots
        self._lines = lru_cache(maxsize=64)(_lines)

    def shown(self, path: str) -> str:
        """A path relative to the root where it lies below it, with forward slashes."""
        below = path.startswith(self._root.rstrip(os.sep) + os.sep)
        return (os.path.relpath(path, self._root) if below else path).replace(os.sep, "/")

    def handler(self, function: FunctionInfo) -> Handler:
        """A function on the loop."""
        kind, route = self._roots[function]
        return Handler(
            name=function.ir.qualname,
            kind=kind,
            route=route,
            path=self.shown(function.module.path),
            line=function.ir.line,
        )

    def findings(self, culprits: list[Culprit]) -> tuple[StaticFinding, ...]:
        """Findings, most severe first, then by path and line."""
        counts: Counter[tuple[str, ...]] = Counter()
        found = []
        for one in sorted(culprits, key=_place):
            finding = self._finding(one, counts)
            found.append(finding)
        return tuple(sorted(found, key=lambda one: -one.severity))

    def _finding(self, one: Culprit, counts: Counter[tuple[str, ...]]) -> StaticFinding:
        hops = tuple(self._hop(step) for step in one.steps)
        culprit = hops[one.place]
        effect = one.effect
        rule = Rule.WAIT if effect.kind is BlockKind.WAIT else Rule.COMPUTE
        key = (rule, culprit.path, culprit.function, effect.call, "".join(culprit.text.split()))
        ordinal = counts[key]
        counts[key] += 1
        return StaticFinding(
            rule=rule,
            call=effect.call,
            kind=effect.kind,
            severity=effect.severity,
            confidence=one.confidence,
            handler=self.handler(one.root),
            others=tuple(sorted({f.ir.qualname for f in one.others})),
            hops=hops,
            culprit=one.place,
            why=effect.why + (f" ({effect.via})" if effect.via else ""),
            advice=f"could help: {effect.instead}" if effect.instead else "",
            fingerprint=fingerprint(
                rule=rule,
                path=culprit.path,
                function=culprit.function,
                call=effect.call,
                text=culprit.text,
                ordinal=ordinal,
            ),
        )

    def _hop(self, step: Step) -> Hop:
        site, module = step.edge.site, step.function.module
        lines = self._lines(module.path)
        text = lines[site.line - 1] if 0 < site.line <= len(lines) else ""
        return Hop(
            path=self.shown(module.path),
            absolute=module.path,
            line=site.line,
            column=site.column + 1,
            end_line=site.end_line or site.line,
            end_column=site.end_column + 1,
            function=step.function.ir.qualname,
            text=text.strip(),
            call=step.edge.name,
            own=module.own,
        )


def _place(one: Culprit) -> tuple[str, int, int]:
    step = one.steps[one.place]
    return step.function.module.path, step.edge.site.line, step.edge.site.column


def _lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def hurting(analysis: Analysis) -> tuple[StaticFinding, ...]:
    """The findings that are shown unless all are asked for: no harmless ones."""
    return tuple(one for one in analysis.findings if one.severity > Severity.INFO)
