"""From a ratio to a ruling: what is claimed, what is not, and what cannot be told."""

from __future__ import annotations

import pytest

from diag.analysis.paired import Ratio
from diag.comparison import Ruling
from diag.presets.ruling import rule


@pytest.mark.parametrize(
    ("low", "ratio", "high", "ruling"),
    [
        (2.5, 2.9, 3.3, Ruling.HOLDS),
        (8.0, 9.0, 10.0, Ruling.HOLDS),
        (1.2, 1.4, 1.6, Ruling.FAILS),
        (0.3, 0.4, 0.5, Ruling.FAILS),
        (0.9, 1.0, 1.1, Ruling.NO_DIFFERENCE),
        (1.5, 2.4, 3.6, Ruling.CANNOT_TELL),
        (0.5, 1.4, 4.0, Ruling.CANNOT_TELL),
    ],
)
def test_a_claim_of_three_times_is_ruled_by_the_whole_interval(
    low: float, ratio: float, high: float, ruling: Ruling
) -> None:
    """It holds or fails only where no part of the interval says otherwise."""
    assert rule(Ratio(ratio=ratio, low=low, high=high, p_value=0.01, pairs=5), 3.0) is ruling


def test_one_trial_tells_nothing() -> None:
    assert rule(Ratio(ratio=9, low=0, high=float("inf"), p_value=1, pairs=1), 3.0) is Ruling.CANNOT_TELL
