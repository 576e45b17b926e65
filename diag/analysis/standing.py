"""Which culprits stand alone, and whose time the others' becomes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from diag.analysis.blocks import Block
from diag.analysis.parts import Key, Part

Kind = tuple[str, bool]
"""What makes blocks comparable: what they are about, and whether they came before the load."""


def final_keys(parts: Sequence[Mapping[Key, Part]], threshold_ns: int) -> list[dict[Key, Key]]:
    """Whose each part of each block is in the end.

    Stacks are up to 25 ms apart, so that one stack that happens to show another line seems to stand for
    12 ms. Therefore a part stands alone only if it is most of its block, or holds it for the threshold
    between stacks that all show it, or if its culprit does so on average. What does not goes to the largest
    that does; where none does, to the one that is largest over all blocks they share.
    """
    often = _often(parts, threshold_ns)
    standing = [_standing(of_one, often, threshold_ns) for of_one in parts]
    renamed = _merge_minor(parts, set().union(*standing))
    return [_final_of_one(of_one, alone, renamed) for of_one, alone in zip(parts, standing, strict=True)]


def _standing(of_one: Mapping[Key, Part], often: set[tuple[Key, Kind]], threshold_ns: int) -> set[Key]:
    largest = _largest(of_one)
    return {
        key
        for key, part in of_one.items()
        if part.split.own_ns >= threshold_ns
        and (key == largest or part.sure_ns >= threshold_ns or (key, _kind(part.block)) in often)
    }


def _kind(block: Block) -> Kind:
    return block.scope, block.starting


def _largest(of_one: Mapping[Key, Part]) -> Key:
    return max(of_one, key=lambda key: (of_one[key].split.own_ns, key))


def _often(parts: Sequence[Mapping[Key, Part]], threshold_ns: int) -> set[tuple[Key, Kind]]:
    """Keys that reach the threshold on average over all blocks that are about the same."""
    blocks: Counter[Kind] = Counter()
    sums: Counter[tuple[Key, Kind]] = Counter()
    stacks: Counter[tuple[Key, Kind]] = Counter()
    for of_one in parts:
        kind = _kind(next(iter(of_one.values())).block)
        blocks[kind] += 1
        for key, part in of_one.items():
            sums[key, kind] += part.split.own_ns
            stacks[key, kind] += part.stacks
    return {pair for pair, own in sums.items() if own >= threshold_ns * blocks[pair[1]] and stacks[pair] > 1}


def _merge_minor(parts: Sequence[Mapping[Key, Part]], alone: set[Key]) -> dict[Key, Key]:
    """Which keys that stand alone nowhere become part of which larger one that they are beside."""
    totals: Counter[Key] = Counter()
    together: dict[Key, Counter[Key]] = defaultdict(Counter)
    for of_one in parts:
        for key, part in of_one.items():
            totals[key] += part.split.own_ns
            for other, beside in of_one.items():
                if other != key:
                    together[key][other] += beside.split.own_ns
    renamed: dict[Key, Key] = {}
    for key in together.keys() - alone:
        rank = max(together[key], key=lambda k: (k in alone, together[key][k], k))
        if (rank in alone, totals[rank], rank) > (False, totals[key], key):
            renamed[key] = rank
    return renamed


def _final_of_one(of_one: Mapping[Key, Part], alone: set[Key], renamed: Mapping[Key, Key]) -> dict[Key, Key]:
    if alone:
        largest = max(alone, key=lambda key: (of_one[key].split.own_ns, key))
        return {key: key if key in alone else largest for key in of_one}
    final = {key: _follow(key, renamed) for key in of_one}
    own: Counter[Key] = Counter()
    for key, part in of_one.items():
        own[final[key]] += part.split.own_ns
    largest = max(own, key=lambda key: (own[key], key))
    return dict.fromkeys(of_one, largest)


def _follow(key: Key, renamed: Mapping[Key, Key]) -> Key:
    while key in renamed:  # each step leads to a larger one, so that this ends
        key = renamed[key]
    return key
