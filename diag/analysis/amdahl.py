"""Amdahl's law: what making a part of the time faster does to the whole.

G. M. Amdahl, "Validity of the single processor approach to achieving large scale computing
capabilities", 1967.
"""

from __future__ import annotations


def saving(share: float, speed_up: float) -> float:
    """How much of the whole time is saved, 0 to `share`; negative where the part became slower.

    Args:
        share: of the whole time that the part takes, 0 to 1.
        speed_up: how many times faster the part became, above 0.
    """
    return share * (1 - 1 / speed_up)


def gain(share: float, speed_up: float) -> float:
    """How much more is done in the same time: 0.25 for a quarter more. Arguments as `saving` has them."""
    return 1 / (1 - saving(share, speed_up)) - 1
