"""The summary of a package, made from its source by the analysis that would follow it if it were installed.

For every public function and method: whether a call of it reaches what blocks, and through what. Of the types
that calls give, of classes' bases and of other names only what leads to one of these is kept.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from diag.finding import Confidence, Severity
from diag.static.allowances import Allowances
from diag.static.discover import Finder
from diag.static.edges import Edges
from diag.static.infer import Inference
from diag.static.knowledge import Effect, Knowledge
from diag.static.knowledge.effects import Blocking, Summary
from diag.static.loading import collector_paused, deep_recursion, lowered
from diag.static.members import lineage
from diag.static.model import Bound, ClassInfo, Ext, FunctionInfo, Inst, ModuleInfo, Obj, Value
from diag.static.options import StaticOptions
from diag.static.propagate import Propagation, Step
from diag.static.world import World

_RUN_BY_SYNTAX = frozenset({"__init__", "__call__", "__enter__", "__iter__", "__next__"})
_LEFT_OUT = frozenset(
    {"tests", "test", "testing", "_vendor", "vendor", "vendored", "docs", "examples", "__main__"}
)
_STAR_DEPTH = 3
_DIRECT = 3
"""Calls up to which a way is taken as it is written; see `propagate`."""

_SOMETIMES = frozenset(
    {
        "asyncio",
        "builtins",
        "concurrent",
        "input",
        "multiprocessing",
        "queue",
        "select",
        "selectors",
        "subprocess",
    }
    | {"threading", "time"}
)
"""Modules whose calls, deep in a package, are as a rule on a way that is taken seldom: retries, shutdown."""


def summarise(folder: Path, packages: Sequence[str], version: str) -> dict[str, Summary]:
    """What calls of the packages of one wheel do to a loop; none of a package of which nothing is to be said.

    Args:
        folder: where the packages lie, as in ``site-packages``; what lies beside them is followed as well.
        packages: the modules that summaries are about, such as ``google.cloud.storage``.
        version: of the wheel.
    """
    finder = Finder(StaticOptions(root=folder, search_path=(folder,)), ())
    world = World(finder, Knowledge(), lambda path: lowered(Path(path).read_bytes()))
    with warnings.catch_warnings(), collector_paused(), deep_recursion():
        warnings.simplefilter("ignore")  # invalid escapes in the packages' texts
        modules = {
            package: [
                module
                for path, name in _files(folder, package)
                if (module := world.load(path, own=False, name=name)) is not None
            ]
            for package in packages
        }
        asked = _Summarised(world, [one for some in modules.values() for one in some])
        made = {package: asked.summary(some, version) for package, some in modules.items()}
    return {package: one for package, one in made.items() if one.blocking or one.aliases}


def _files(folder: Path, package: str) -> Iterator[tuple[str, str]]:
    """Path and name of every module of a package."""
    place = folder.joinpath(*package.split("."))
    if place.with_suffix(".py").is_file():
        yield str(place.with_suffix(".py")), package
    for path in sorted(place.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if _LEFT_OUT.isdisjoint(parts):
            yield str(path), ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class _Summarised:
    """Asks the analysis about each name of all modules of a wheel."""

    def __init__(self, world: World, modules: Sequence[ModuleInfo]) -> None:
        self._inference = Inference(world)
        propagation = Propagation(Edges(self._inference), (), Allowances())
        self._blocking: dict[ModuleInfo, list[tuple[str, Effect, Confidence]]] = defaultdict(list)
        self._known: set[str] = set()
        for function in _functions(modules):
            found = propagation.way(function)
            if found is not None:
                self._add(function, *found)
        self._bases = {module: self._bases_in(module) for module in modules}
        self._known.update(name for some in self._bases.values() for name in some)
        self._returns = {module: self._returns_in(module) for module in modules}
        self._known.update(name for some in self._returns.values() for name in some)

    def _add(self, function: FunctionInfo, steps: tuple[Step, ...], effect: Effect) -> None:
        owner, _, last = function.name.rpartition(".")
        name = owner if last == "__init__" else function.name
        sure = effect.confidence if len(steps) <= _DIRECT else Confidence.MEDIUM
        seldom = sure is Confidence.MEDIUM and effect.call.partition(".")[0] in _SOMETIMES
        if seldom or sure is Confidence.LOW or effect.severity is not Severity.ERROR:
            return  # nobody looked at it: only what is sure to hurt is told
        self._blocking[function.module].append((name, effect, sure))
        self._known.update((name, owner))

    def _bases_in(self, module: ModuleInfo) -> dict[str, str]:
        """Classes that inherit something of what is known."""
        found: dict[str, str] = {}
        for cls in module.classes:
            above = [_name(one) for one in lineage(self._inference, cls)]
            above = [name for name in above if name not in {"", cls.name}]
            if not self._known.isdisjoint(above):
                found[cls.name] = " ".join(above)
        return found

    def summary(self, modules: Sequence[ModuleInfo], version: str) -> Summary:
        """Of some of the modules."""
        groups: dict[tuple[Effect, Confidence], list[str]] = defaultdict(list)
        for module in modules:
            for name, effect, sure in self._blocking[module]:
                groups[effect, sure].append(name)
        return Summary(
            blocking=[_group(*key, groups[key]) for key in sorted(groups, key=lambda key: min(groups[key]))],
            returns={name: given for module in modules for name, given in self._returns[module].items()},
            bases={name: bases for module in modules for name, bases in self._bases[module].items()},
            aliases=dict(alias for module in modules for alias in self._aliases(module)),
            version=version,
        )

    def _aliases(self, module: ModuleInfo) -> Iterator[tuple[str, str]]:
        """Other names of what is known: what modules import from each other."""
        for name in self._names(module, _STAR_DEPTH):
            full = f"{module.name}.{name}"
            values = self._inference.module_name(module, name) or ()
            targets = [target for value in values if (target := _name(value)) in self._known]
            if len(targets) == 1 and targets[0] != full and not name.startswith("_"):
                yield full, targets[0]

    def _names(self, module: ModuleInfo, depth: int) -> dict[str, None]:
        """What a module binds, or takes over with a star."""
        found = dict.fromkeys(module.functions[0].ir.bindings)
        for source in self._inference.world.star_sources(module) if depth else ():
            if isinstance(source, ModuleInfo):
                found.update(self._names(source, depth - 1))
        return found

    def _returns_in(self, module: ModuleInfo) -> dict[str, str]:
        """Types that calls give, where these are known to block somewhere."""
        found: dict[str, str] = {}
        for function in _functions([module]):
            types = {_type(value) for value in self._inference.results(function)} & self._known
            if len(types) == 1:
                found[function.name] = types.pop()
        return found


def _functions(modules: Sequence[ModuleInfo]) -> Iterator[FunctionInfo]:
    """Those that others call on their own thread."""
    for module in modules:
        for function in module.functions[1:]:
            ir = function.ir
            if ir.parent <= 0 and not function.is_async and _is_public(ir.qualname):
                yield function


def _is_public(qualname: str) -> bool:
    *around, last = qualname.split(".")
    return all(not part.startswith(("_", "<")) for part in around) and (
        not last.startswith(("_", "<")) or last in _RUN_BY_SYNTAX
    )


def _name(value: Value) -> str:
    """Of a function or a class, or of what is one by its name; "" of anything else."""
    match value:
        case FunctionInfo() | ClassInfo() | Ext():
            return value.name
        case Bound():
            return value.function.name
        case _:
            return ""


def _type(value: Value) -> str:
    match value:
        case Inst():
            return value.cls.name
        case Obj():
            return value.type
        case _:
            return ""


def _group(effect: Effect, sure: Confidence, names: Iterable[str]) -> Blocking:
    return Blocking(
        calls=" ".join(sorted(set(names))),
        kind=effect.kind,
        severity=Severity(effect.severity).name.lower(),
        confidence=sure,
        why=effect.why,
        instead=effect.instead,
        via={},
    )
