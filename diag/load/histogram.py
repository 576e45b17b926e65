"""A log-linear latency histogram, after Gil Tene's HdrHistogram, in a sparse form.

A value below 2,048 has a bucket of its own. Above, each power of two is cut into 1,024 buckets, so a
bucket is at most 1/1,024 of its values wide and its middle is off by at most `RELATIVE_ERROR` (0.05 %).
Count, minimum, maximum, mean and standard deviation are exact. Buckets are kept in a dict: a histogram
costs what its distinct latencies cost (at most 1,024 a power of two), and merging adds two dicts.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_BITS = 11  # mantissa bits kept: 2**10 buckets a power of two
_HALF = 1 << (_BITS - 1)
RELATIVE_ERROR = 1 / (2 * _HALF)
"""How far a reported percentile can be from a recorded value: half a bucket, 0.049 %."""


def bucket_of(value: int) -> int:
    """Give the bucket of a non-negative value; buckets are ordered as their values are."""
    shift = value.bit_length() - _BITS
    return (shift << (_BITS - 1)) + (value >> shift) if shift > 0 else value


def bounds_of(bucket: int) -> tuple[int, int]:
    """Give the lowest and the highest value of a bucket."""
    shift = bucket // _HALF - 1
    if shift <= 0:
        return bucket, bucket
    low = (bucket - (shift << (_BITS - 1))) << shift
    return low, low + (1 << shift) - 1


class Histogram:
    """Counts of non-negative integers (here: nanoseconds), mergeable and serialisable."""

    __slots__ = ("_counts", "_max", "_min", "_squares", "_total")

    def __init__(self, values: Iterable[int] = ()) -> None:
        """Start with these values, or empty."""
        self._counts: Counter[int] = Counter()
        self._min: int | None = None
        self._max = 0
        self._total = 0
        self._squares = 0
        self.record_many(list(values))

    def record(self, value: int) -> None:
        """Count one value; a negative one counts as 0 (clocks of one host do not run backwards)."""
        self.record_many((value,))

    def record_many(self, values: Sequence[int]) -> None:
        """Count many values at once: about 0.2 µs each, most of it in C."""
        if not values:
            return
        lowest = min(values)
        if lowest < 0:
            values = [max(0, value) for value in values]
            lowest = 0
        # bucket_of() written out: the call would cost as much again as the arithmetic.
        self._counts.update([
            (shift << 10) + (value >> shift) if (shift := value.bit_length() - 11) > 0 else value
            for value in values
        ])  # fmt: skip
        self._min = lowest if self._min is None else min(self._min, lowest)
        self._max = max(self._max, *values) if len(values) > 1 else max(self._max, values[0])
        self._total += sum(values)
        self._squares += sum([value * value for value in values])

    def merge(self, other: Histogram) -> None:
        """Add all that `other` has counted."""
        if other._min is None:
            return
        self._counts.update(other._counts)
        self._min = other._min if self._min is None else min(self._min, other._min)
        self._max = max(self._max, other._max)
        self._total += other._total
        self._squares += other._squares

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """Give a new histogram that holds what all parts hold."""
        whole = cls()
        for part in parts:
            whole.merge(part)
        return whole

    def __len__(self) -> int:
        """Count the values."""
        return self._counts.total()

    def __eq__(self, other: object) -> bool:
        """Compare what was counted."""
        return isinstance(other, Histogram) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        """Show the size and the range."""
        return f"<Histogram of {len(self)} values, {self.min} to {self.max}>"

    @property
    def min(self) -> int:
        """The smallest value, exactly; 0 if empty."""
        return self._min or 0

    @property
    def max(self) -> int:
        """The largest value, exactly; 0 if empty."""
        return self._max

    @property
    def mean(self) -> float:
        """The arithmetic mean, exactly; 0 if empty."""
        return self._total / len(self) if self._counts else 0.0

    @property
    def sd(self) -> float:
        """The standard deviation of the values themselves (not an estimate for a larger population)."""
        count = len(self)
        if not count:
            return 0.0
        return math.sqrt(max(0, count * self._squares - self._total**2)) / count

    def percentile(self, percent: float) -> int:
        """Give the value that `percent` of the values do not exceed (nearest rank), within 0.05 %.

        Raises ValueError outside 0 to 100. An empty histogram gives 0.
        """
        if not 0 <= percent <= 100:
            msg = f"a percentile is between 0 and 100, not {percent}"
            raise ValueError(msg)
        if not self._counts:
            return 0
        # The tiny subtraction keeps 99.9 % of 1,000 at rank 999 although 0.999 is not exact in binary.
        rank = max(1, math.ceil(percent / 100 * len(self) - 1e-9))
        if rank == 1:
            return self.min
        seen = 0
        for bucket, count in sorted(self._counts.items()):
            seen += count
            if seen >= rank:
                low, high = bounds_of(bucket)
                return min(max((low + high) // 2, self.min), self._max)
        return self._max

    def count_at_most(self, value: int) -> int:
        """Count the values whose bucket lies at or below that of `value`."""
        limit = bucket_of(value)
        return sum(count for bucket, count in self._counts.items() if bucket <= limit)

    def buckets(self) -> Iterator[tuple[int, int, int]]:
        """Give (lowest, highest, count) of each bucket in use, in order."""
        for bucket, count in sorted(self._counts.items()):
            yield (*bounds_of(bucket), count)

    def to_json(self) -> dict[str, object]:
        """Give a compact form for JSON: bucket numbers as differences, their counts beside them."""
        items = sorted(self._counts.items())
        steps, before = [], 0
        for bucket, _ in items:
            steps.append(bucket - before)
            before = bucket
        return {
            "steps": steps,
            "counts": [count for _, count in items],
            "min": self.min,
            "max": self._max,
            "total": self._total,
            "squares": self._squares,
        }

    @classmethod
    def from_json(cls, form: Mapping[str, object]) -> Histogram:
        """Read what `to_json` gave; raise ValueError for anything else."""
        steps, counts = _numbers(form, "steps"), _numbers(form, "counts")
        lowest, highest, total, squares = (_number(form, key) for key in ("min", "max", "total", "squares"))
        if len(steps) != len(counts):
            msg = f"steps: {len(steps)} of them for {len(counts)} counts"
            raise ValueError(msg)
        whole, bucket = cls(), 0
        for step, count in zip(steps, counts, strict=True):
            bucket += step
            whole._counts[bucket] += count
        if steps:
            whole._min, whole._max, whole._total, whole._squares = lowest, highest, total, squares
        return whole


def _number(form: Mapping[str, object], key: str) -> int:
    value = form.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        msg = f"{key}: expected a non-negative integer, got {value!r}"
        raise ValueError(msg)
    return value


def _numbers(form: Mapping[str, object], key: str) -> list[int]:
    values = form.get(key)
    if not isinstance(values, list):
        msg = f"{key}: expected a list of integers, got {values!r}"
        raise ValueError(msg)  # noqa: TRY004  # one error type for a bad form
    return [_number({key: value}, key) for value in values]
