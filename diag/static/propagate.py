"""From blocking calls back to the handlers that reach them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from diag.finding import Confidence, Severity
from diag.static.allowances import Allowances
from diag.static.edges import Edge, Edges
from diag.static.knowledge import Effect
from diag.static.model import FunctionInfo

_DEEPEST = 8  # calls inside installed packages; what lies deeper is reached in special cases only
_DEEPEST_FILE = 2  # for calls that are merely slow
_DEEPEST_OWN = 12  # calls from a handler to its culprit; longer ways go through what only sometimes happens
_DEEPEST_UNSURE = 4  # the same, where a call on the way is a guess
_MOST_SURE = 3  # calls inside installed packages, up to which a path is taken as it is written


@dataclass(frozen=True, slots=True)
class Step:
    """A call in a function."""

    function: FunctionInfo
    edge: Edge


@dataclass(frozen=True, slots=True)
class Culprit:
    """A call in the project's files that blocks, with all that reaches it.

    Attributes:
        steps: from the nearest handler to what blocks.
        place: index in `steps` of the culprit.
        effect: what it does.
        confidence: of the whole path.
        root: the nearest handler.
        others: further handlers.
        allowed: True if a comment allows it.
    """

    steps: tuple[Step, ...]
    place: int
    effect: Effect
    confidence: Confidence
    root: FunctionInfo
    others: tuple[FunctionInfo, ...]
    allowed: bool = False


class Propagation:
    """Walks from handlers down to what blocks, and from there back to the nearest of them."""

    def __init__(self, edges: Edges, roots: Iterable[FunctionInfo], allowances: Allowances) -> None:
        self._edges = edges
        self._roots = set(roots)
        self._allowances = allowances
        self._packages: dict[FunctionInfo, tuple[tuple[Step, ...], Effect] | None] = {}

    def culprits(self) -> list[Culprit]:
        """Every call in the project's files that blocks and that a handler reaches."""
        callers: dict[FunctionInfo, list[Step]] = {one: [] for one in self._roots}
        sinks: list[tuple[Step, tuple[Step, ...], Effect]] = []
        waiting = deque(self._roots_in_order())
        while waiting:
            function = waiting.popleft()
            for edge in self._edges.of(function):
                step = Step(function, edge)
                if edge.effect is not None:
                    sinks.append((step, (), edge.effect))
                elif edge.target is None:
                    continue
                elif edge.target.module.own:
                    if edge.target not in callers:
                        callers[edge.target] = []
                        waiting.append(edge.target)
                    callers[edge.target].append(step)
                else:
                    found = self._package(edge.target, 0)
                    if found is not None:
                        sinks.append((step, found[0], found[1]))
        return [one for sink in _once(sinks) for one in self._back(*sink, callers)]

    def way(self, function: FunctionInfo) -> tuple[tuple[Step, ...], Effect] | None:
        """How a function of an installed package reaches what blocks; None if it does not."""
        return self._package(function, 0)

    def _roots_in_order(self) -> list[FunctionInfo]:
        return sorted(self._roots, key=lambda one: (one.module.path, one.ir.line, one.index))

    def _package(self, function: FunctionInfo, depth: int) -> tuple[tuple[Step, ...], Effect] | None:
        """How a function of an installed package reaches what blocks, the worst and then the shortest way."""
        if function in self._packages:
            return self._packages[function]
        self._packages[function] = None  # for functions that call themselves
        best: tuple[tuple[Step, ...], Effect] | None = None
        for edge in self._edges.of(function):
            step = Step(function, edge)
            if edge.effect is not None:
                found: tuple[tuple[Step, ...], Effect] = ((step,), edge.effect)
            elif edge.target is not None and depth < _DEEPEST:
                inner = self._package(edge.target, depth + 1)
                if inner is None:
                    continue
                found = (step, *inner[0]), inner[1]
            else:
                continue
            if _matters(*found) and (best is None or _rank(*found) > _rank(*best)):
                best = found
        self._packages[function] = best
        return best

    def _back(
        self, step: Step, below: tuple[Step, ...], effect: Effect, callers: dict[FunctionInfo, list[Step]]
    ) -> Iterable[Culprit]:
        """The culprit with its nearest handler, found by walking back through all that call it."""
        tail = (step, *below)
        allowed = self._allowances.take(step.function, step.edge, effect)
        paths: dict[FunctionInfo, tuple[Step, ...]] = {step.function: tail}
        spared: dict[FunctionInfo, tuple[Step, ...]] = {}
        waiting = deque([step.function])
        reached: list[FunctionInfo] = []
        while waiting:
            function = waiting.popleft()
            if function in self._roots:
                reached.append(function)
            for caller in callers.get(function, ()):
                if caller.function in paths:
                    continue
                if self._allowances.take(caller.function, caller.edge, effect):
                    spared[caller.function] = (caller, *paths[function])
                    continue
                paths[caller.function] = (caller, *paths[function])
                waiting.append(caller.function)
        if not reached and spared:  # every way to it is allowed
            allowed = True
            reached = [one for one in spared if one in self._roots]
            paths.update(spared)
        if not reached:
            return ()
        root = reached[0]
        steps = paths[root]
        sure = _confidence(steps, below)
        own = len(steps) - len(below)
        if own > (_DEEPEST_UNSURE if sure is Confidence.LOW else _DEEPEST_OWN):
            return ()
        return (
            Culprit(
                steps=steps,
                place=len(steps) - len(tail),
                effect=effect,
                confidence=sure,
                root=root,
                others=tuple(reached[1:]),
                allowed=allowed,
            ),
        )


def _once(sinks: list[tuple[Step, tuple[Step, ...], Effect]]) -> list[tuple[Step, tuple[Step, ...], Effect]]:
    """The worst effect of each call."""
    best: dict[tuple[str, int, int, int], tuple[Step, tuple[Step, ...], Effect]] = {}
    for step, below, effect in sinks:
        site = step.edge.site
        key = step.function.module.path, site.line, site.column, site.end_column
        known = best.get(key)
        if known is None or _rank(known[1], known[2]) < _rank(below, effect):
            best[key] = step, below, effect
    return list(best.values())


def _matters(steps: tuple[Step, ...], effect: Effect) -> bool:
    if effect.severity is Severity.ERROR:
        return True
    return effect.severity is Severity.WARNING and len(steps) <= _DEEPEST_FILE


def _rank(steps: tuple[Step, ...], effect: Effect) -> tuple[int, int]:
    return int(effect.severity), -len(steps)


_ORDER = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def _confidence(steps: tuple[Step, ...], below: tuple[Step, ...]) -> Confidence:
    """The least of all calls'; less where the way leads deep into a package."""
    least = min((one.edge.sure for one in steps), key=_ORDER.index)
    if len(below) > _MOST_SURE and least is Confidence.HIGH:
        return Confidence.MEDIUM
    return least
