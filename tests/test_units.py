"""Figures as text: consistent digits, no surprises at the edges between units."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag import units

MS = 1_000_000
S = 1_000_000_000


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ms"),
        (1, "1 ns"),
        (999, "999 ns"),
        (1_000, "1.0 µs"),
        (35_400, "35 µs"),
        (99_999, "100 µs"),
        (100_000, "0.10 ms"),
        (350_000, "0.35 ms"),
        (996_000, "1.0 ms"),
        (8_200_000, "8.2 ms"),
        (9_960_000, "10 ms"),
        (50_400_000, "50 ms"),
        (182 * MS, "182 ms"),
        (999 * MS, "999 ms"),
        (999_600_000, "1.0 s"),
        (4_100 * MS, "4.1 s"),
        (42 * S, "42.0 s"),
        (59_960 * MS, "1 min 00 s"),
        (123 * S, "2 min 03 s"),
        (3_599_600 * MS, "1 h 00 min"),
        (3_725 * S, "1 h 02 min"),
        (-8_200_000, "-8.2 ms"),
    ],
)
def test_durations_have_two_digits_or_more(ns: int, text: str) -> None:
    """Rounding never shows 1000 ms or 60.0 s."""
    assert units.duration(ns) == text


def test_a_measurement_that_is_compared_has_three_digits() -> None:
    """50 ms planted, 50.4 ms found."""
    assert units.duration(50_400_000, digits=3) == "50.4 ms"
    assert units.duration(1_234 * MS, digits=3) == "1.23 s"


@given(st.integers(1, 10**17), st.integers(1, 10**17))
def test_a_longer_duration_never_reads_shorter(first: int, second: int) -> None:
    """What is shown keeps the order of what was measured."""
    shorter, longer = sorted((first, second))
    assert _value(units.duration(shorter)) <= _value(units.duration(longer)) * (1 + 1e-9)


def _value(text: str) -> float:
    scale = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}
    return sum(
        float(number.replace(",", "")) * scale[unit] for number, unit in re.findall(r"([\d.,]+) (\S+)", text)
    )


@given(st.integers(100_000, 10**10))
def test_what_is_shown_can_be_read_back(ns: int) -> None:
    """To within its digits."""
    assert units.parse_duration(units.duration(ns)) == pytest.approx(ns, rel=0.051)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (0.00001, "<0.01 %"),
        (0.0004, "0.04 %"),
        (0.031, "3.1 %"),
        (0.0996, "10 %"),
        (0.5, "50 %"),
        (0.98, "98 %"),
        (0.994, "99 %"),
        (0.9999, "99.9 %"),
        (1, "100 %"),
        (1.27, "127 %"),
    ],
)
def test_only_all_is_a_hundred_percent(share: float, text: str) -> None:
    """A rest, however small, is visible."""
    assert units.percent(share) == text


def test_parts_of_a_split_have_no_decimals() -> None:
    """What is not nothing is not 0 %, what is not all is not 100 %."""
    shares = (0, 0.004, 0.005, 0.02, 0.98, 0.9949, 0.996, 1, float("nan"))
    texts = ["0 %", "<1 %", "0 %", "2 %", "98 %", "99 %", ">99 %", "100 %", "unknown"]
    assert [units.whole_percent(share) for share in shares] == texts


def test_counts_rates_and_sizes() -> None:
    """Thousands are separated, rates have three digits."""
    assert units.count(1_200) == "1,200"
    assert units.plural(1, "block") == "1 block"
    assert units.plural(12, "block") == "12 blocks"
    assert units.plural(2, "is", "are") == "2 are"
    assert [units.rate(value) for value in (0.0, 6.2, 31, 99.96, 1_084.2)] == [
        "0",
        "6.20",
        "31.0",
        "100",
        "1,084",
    ]
    assert [units.size(n) for n in (0, 512, 1_500, 999_600, 12 * 10**6, 1_300 * 10**6, 2 * 10**13)] == [
        "0 B",
        "512 B",
        "1.5 kB",
        "1.0 MB",
        "12 MB",
        "1.3 GB",
        "20 TB",
    ]
    assert units.cpu_time(3_800_000) == "3.8 ms CPU"


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("10ms", 10 * MS),
        ("1.5 s", 1_500 * MS),
        ("2min", 120 * S),
        ("2m", 120 * S),
        (".5S", 500 * MS),
        ("500us", 500_000),
        ("0.1ms", 100_000),
        ("1h", 3_600 * S),
        (" 7ns ", 7),
        ("9.3ms", 9_300_000),
    ],
)
def test_durations_are_read(text: str, ns: int) -> None:
    """Exactly: no binary fractions."""
    assert units.parse_duration(text) == ns


@pytest.mark.parametrize(
    "text", ["", "10", "ms", "-1s", "1e3s", "10 parsecs", "nan s", "1s2", "9" * 400 + "s", "9999999h"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """With a sentence that says why."""
    with pytest.raises(ValueError, match="not a duration|unit|longer"):
        units.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "octets"),
    [("100m", 100 << 20), ("1.5g", 3 << 29), ("512MiB", 512 << 20), (" 64 kb ", 64 << 10), ("7b", 7)],
)
def test_memory_is_read_in_powers_of_1024_as_docker_does(text: str, octets: int) -> None:
    assert units.parse_memory(text) == octets


@pytest.mark.parametrize("text", ["", "100", "m", "1e3m", "-1m", "100 mm", "1bb", "9999t", "nan g"])
def test_what_is_no_size_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size with a unit|more than any machine has"):
        units.parse_memory(text)


@pytest.mark.parametrize(
    ("octets", "text"),
    [(100 << 20, "100 MiB"), (3 << 29, "1.50 GiB"), (512, "512 B"), (1_000_000, "977 KiB")],
)
def test_memory_is_told_in_powers_of_1024(octets: int, text: str) -> None:
    assert units.memory(octets) == text


def test_cores_need_not_be_whole() -> None:
    assert (units.cores(1), units.cores(0.5), units.cores(2)) == ("1 core", "0.5 cores", "2 cores")
