"""Numbers to text, and durations back: the one place that decides how figures look.

A duration has two significant digits or more, and never more decimals than they need: ``0.35 ms``,
``8.2 ms``, ``182 ms``; seconds have one decimal, so that ``42.0 s`` and ``4.1 s`` line up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from diag.recording import Limit

_MICROSECOND = 1_000
_MILLISECOND = 1_000_000
_SECOND = 1_000_000_000
_MINUTE_S = 60
_HOUR_S = 3_600

_UNITS_NS = {
    "ns": 1,
    "us": _MICROSECOND,
    "µs": _MICROSECOND,
    "μs": _MICROSECOND,
    "ms": _MILLISECOND,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "min": 60 * _SECOND,
    "h": 3_600 * _SECOND,
}
_DURATION = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})\s*([a-zµμ]*)")
_UNITS_BYTES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_MEMORY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})\s*([bkmgt])(?:(?<!b)i?b)?")
_MOST_MEMORY = 1 << 50
# A year; what is longer is a slip of the keyboard, and would overflow the 64-bit integers further on.
_LONGEST_NS = 366 * 24 * 3_600 * _SECOND


def duration(ns: int, *, digits: int = 2) -> str:
    """A duration in nanoseconds as text.

    Args:
        ns: nanoseconds; negative ones get a minus sign.
        digits: significant digits at least, 3 where a measurement is compared with an expectation.
    """
    if ns < 0:
        return f"-{duration(-ns, digits=digits)}"
    if ns == 0:
        return "0 ms"
    if ns < 1_000:
        return f"{ns} ns"
    if ns < _MILLISECOND // 10:
        return f"{_significant(ns / _MICROSECOND, digits)} µs"
    text = _significant(ns / _MILLISECOND, digits)
    if "," not in text:
        return f"{text} ms"
    decimals = digits - 1
    seconds = round(ns / _SECOND, decimals)
    if seconds < _MINUTE_S:
        return f"{seconds:.{decimals}f} s"
    whole = round(ns / _SECOND)
    if whole < _HOUR_S:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(ns / _SECOND / 60)
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def cpu_time(ns: int) -> str:
    """CPU time in nanoseconds as text: ``3.8 ms CPU``."""
    return f"{duration(ns)} CPU"


def count(number: int) -> str:
    """A count: ``1,200``."""
    return f"{number:,}"


def plural(number: int, noun: str, nouns: str = "") -> str:
    """A count with its noun: ``1 block``, ``12 blocks``; `nouns` where an s does not do."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def percent(share: float) -> str:
    """A share of 1 as text: ``3.1 %``, ``98 %``; only what is nothing is 0 %, only what is all is 100 %."""
    value = share * 100
    if not math.isfinite(value):
        return "unknown"
    if value == 0:
        return "0 %"
    if abs(value) < 0.01:
        return "<0.01 %"
    if 99 < value < 100:
        return f"{min(value, 99.9):.1f} %" if value >= 99.5 else "99 %"
    return f"{_significant(value, 2 if value >= 0.1 else 1)} %"


def whole_percent(share: float) -> str:
    """A part of a split of 1 as text, without decimals: ``98 %``, ``<1 %``."""
    value = share * 100
    if not math.isfinite(value):
        return "unknown"
    if 0 < value < 0.5:
        return "<1 %"
    return ">99 %" if 99.5 <= value < 100 else f"{round(value)} %"


def rate(per_second: float) -> str:
    """A rate as text, three digits or more: ``6.20``, ``31.0``, ``1,084``."""
    return _significant(per_second, 3) if math.isfinite(per_second) else "unknown"


def size(octets: int) -> str:
    """A size in bytes as text, in powers of 1,000: ``512 B``, ``1.3 GB``."""
    value = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        text = f"{value:,.0f}" if unit == "B" else _significant(value, 2)
        if "," not in text:
            return f"{text} {unit}"
        value /= 1_000
    return f"{_significant(value, 2)} TB"


def memory(octets: int) -> str:
    """An amount of memory in bytes as text, in powers of 1,024 as limits have them: ``100 MiB``."""
    value = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1_024:
            return f"{value:.0f} {unit}" if value == int(value) else f"{_significant(value, 3)} {unit}"
        value /= 1_024
    return f"{_significant(value, 3)} TiB"


def cores(number: float) -> str:
    """A number of cores as text, whole or not: ``1 core``, ``0.5 cores``."""
    return f"{number:g} core{'' if number == 1 else 's'}"


def limits(some: Sequence[Limit]) -> str:
    """Limits in words, with the mechanism: ``limited to 1 core and 100 MiB (cgroup v1), 87 MiB used``."""
    if not some:
        return ""
    words = []
    for number, one in enumerate(some):
        amount = memory(one.amount) if one.resource == "memory" else cores(one.amount / 1_000)
        last = number + 1 == len(some) or some[number + 1].mechanism != one.mechanism
        words.append(f"{amount} ({one.mechanism})" if last else amount)
    peak = max(one.peak_bytes for one in some)
    return f"limited to {' and '.join(words)}{f', {memory(peak)} used at most' if peak else ''}"


def parse_memory(text: str) -> int:
    """Bytes of a text such as ``100m``, ``1.5g`` or ``512MiB``: powers of 1,024, as Docker has them.

    Raises:
        ValueError: it is no size, has no unit, or is more than any machine has; the message says which.
    """
    match = _MEMORY.fullmatch(text.strip().lower())
    if match is None:
        message = f"{text!r} is not a size with a unit"
        raise ValueError(message)
    octets = round(float(match[1]) * _UNITS_BYTES[match[2]])
    if octets > _MOST_MEMORY:
        message = f"{text!r} is more than any machine has"
        raise ValueError(message)
    return octets


def parse_duration(text: str) -> int:
    """Nanoseconds of a text such as ``10ms``, ``1.5 s`` or ``2min``.

    Raises:
        ValueError: it is no duration, has no unit, or is longer than a year; the message says which.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        message = f"{text!r} is not a duration"
        raise ValueError(message)
    number, unit = match.groups()
    if unit not in _UNITS_NS:
        message = f"{text!r} has no unit" if not unit else f"{text!r} has the unknown unit {unit!r}"
        raise ValueError(message)
    whole, _, part = number.partition(".")
    scale = _UNITS_NS[unit]
    ns = int(whole or "0") * scale + (round(int(part) * scale / 10 ** len(part)) if part else 0)
    if ns > _LONGEST_NS:
        message = f"{text!r} is longer than a year"
        raise ValueError(message)
    return ns


def _significant(value: float, digits: int) -> str:
    """`value` with `digits` significant digits at least, whole digits all kept: 8.2, 182, 1,084."""
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    rounded = round(value, decimals)
    if rounded:  # 9.96 becomes 10.0, which has a digit too many
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{value:,.{decimals}f}"
