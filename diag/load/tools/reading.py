"""What the tools' outputs have in common: durations with units, and figures on labelled lines."""

from __future__ import annotations

import re

_UNITS_NS = {"us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}
_DURATION = re.compile(r"([0-9.]+)\s*(us|µs|ms|s|m|h)")


def duration_ns(text: str) -> int:
    """Nanoseconds of ``1.23ms``, ``45us``, ``2.00s``; raises ValueError for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration")
    return round(float(match[1]) * _UNITS_NS[match[2]])


def number(text: str, label: str, *, default: int | None = None) -> int:
    """What follows `label` and a colon, else the default; raises ValueError without either."""
    match = re.search(rf"^\s*{re.escape(label)}:\s*([0-9]+)", text, re.MULTILINE)
    if match:
        return int(match[1])
    if default is None:
        raise ValueError(f"its output has no line {label!r}")
    return default
