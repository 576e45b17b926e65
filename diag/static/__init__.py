"""Blocking calls found in source text, without importing or running any of it."""

from __future__ import annotations

from diag.static.analyse import analyse
from diag.static.finding import (
    Analysis,
    BlockKind,
    Handler,
    Hop,
    Problem,
    RootKind,
    Rule,
    StaticFinding,
)
from diag.static.options import StaticOptions
from diag.static.report import hurting

__all__ = [
    "Analysis",
    "BlockKind",
    "Handler",
    "Hop",
    "Problem",
    "RootKind",
    "Rule",
    "StaticFinding",
    "StaticOptions",
    "analyse",
    "hurting",
]
