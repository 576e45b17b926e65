"""When requests should be sent, and which one is next: seeded, and pure.

The same seed gives the same load, in any process and on any machine.
"""

from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_S = 1_000_000_000
_T = TypeVar("_T")


def constant(rate: float) -> Iterator[int]:
    """Give evenly spaced arrivals at `rate` per second, as ns after the start; the first is at 0."""
    for index in itertools.count():
        yield round(index * _S / rate)  # from the index, not by adding up: no drift


def poisson(rate: float, seed: str) -> Iterator[int]:
    """Give arrivals of a Poisson process: independent users, `rate` per second on average."""
    source, now = random.Random(seed), 0.0  # noqa: S311  # a load, not a secret
    while True:
        now += source.expovariate(rate)
        yield round(now * _S)


def offsets(model: str, rate: float, seed: str) -> Iterator[int]:
    """Give the arrivals of the model called `model`: "constant" or "poisson"."""
    return poisson(rate, seed) if model == "poisson" else constant(rate)


def balanced(items: Sequence[_T], weights: Sequence[int], seed: str) -> Iterator[_T]:
    """Give the items for ever, in shuffled rounds that hold each exactly by its weight.

    Drawing at random would leave rare routes undriven in a short run; a fixed order would let one
    route always come behind the same other one. Weights are divided by their greatest common divisor,
    so that a round is as short as it can be.
    """
    divisor = math.gcd(*weights)
    one_round = [item for item, weight in zip(items, weights, strict=True) for _ in range(weight // divisor)]
    if len(one_round) == 1:
        return itertools.repeat(one_round[0])
    return itertools.chain.from_iterable(_rounds(one_round, random.Random(seed)))  # noqa: S311


def _rounds(one_round: list[_T], source: random.Random) -> Iterator[list[_T]]:
    while True:
        source.shuffle(one_round)
        yield one_round[:]
