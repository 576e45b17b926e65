"""Amdahl's law."""

from __future__ import annotations

import pytest

from diag.analysis.amdahl import gain, saving


def test_a_fifth_made_three_times_faster_saves_two_fifteenths() -> None:
    assert saving(0.2, 3.0) == pytest.approx(2 / 15)
    assert gain(0.2, 3.0) == pytest.approx(2 / 13)


def test_no_more_than_the_part_itself_can_be_saved() -> None:
    assert saving(0.2, 1e12) == pytest.approx(0.2)
    assert saving(0.2, 1.0) == 0
    assert saving(0.2, 0.5) == pytest.approx(-0.2)
