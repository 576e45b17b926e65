"""Answers by name what a call does and gives, from the summaries."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from diag.finding import Confidence, Severity
from diag.static.finding import BlockKind
from diag.static.knowledge.effects import Effect, Summary, read_summary, severity_of

FOLDER = Path(__file__).parent
HAND = FOLDER / "packages"
GENERATED = FOLDER / "generated"
_ALIAS_STEPS = 4  # an alias may name another alias; more in a row would be a circle
_STDLIB = sys.stdlib_module_names


class Knowledge:
    """All summaries, each read when a name below its module is first asked for.

    Args:
        blocking: further blocking calls, each with what to use instead.
        harmless: names of calls that are not to be reported; `*` at the end fits any rest.
    """

    def __init__(self, *, blocking: Iterable[tuple[str, str]] = (), harmless: Iterable[str] = ()) -> None:
        self._effects: dict[str, Effect | None] = {}
        self._returns: dict[str, str] = {}
        self._attributes: dict[str, str] = {}
        self._bases: dict[str, tuple[str, ...]] = {}
        self._aliases: dict[str, str] = {}
        self._handoffs: set[str] = set()
        self._owners: set[str] = set()
        self._loaded: set[str] = set()
        self._covered: dict[str, bool] = {}
        self._found: dict[str, Effect | None] = {}
        self._silenced = tuple(harmless)
        self.used: set[str] = set()
        self._add(read_summary(FOLDER / "stdlib.toml"))
        self._added = {name.partition(".")[0] for name, _ in blocking}
        for name, instead in blocking:
            self._effects[name] = Effect(
                call=name,
                kind=BlockKind.WAIT,
                severity=Severity.ERROR,
                confidence=Confidence.HIGH,
                why="your settings say that it blocks",
                instead=instead,
            )

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """Paths of summaries by the module they are about; written by hand first."""
        found: dict[str, list[Path]] = {}
        for folder, suffix in ((HAND, ".toml"), (GENERATED, ".json")):
            if folder.is_dir():
                for path in folder.iterdir():
                    if path.suffix == suffix:
                        found.setdefault(path.name.removesuffix(suffix), []).append(path)
        return found

    def by_hand(self, module: str) -> bool:
        """True if somebody wrote down what the module does, so that its own code need not be looked at."""
        return any(
            path.suffix == ".toml" for prefix in _prefixes(module) for path in self._files.get(prefix, ())
        )

    def covers(self, module: str) -> bool:
        """True if a summary is about this module, or it is the standard library's."""
        known = self._covered.get(module)
        if known is None:
            top = module.partition(".")[0]
            known = top in _STDLIB or top in self._added or self._load(module)
            self._covered[module] = known
        return known

    def _load(self, name: str) -> bool:
        """Read the summaries of all modules that the name may lie in."""
        found = False
        for prefix in _prefixes(name):
            if prefix in self._files:
                found = True
                if prefix not in self._loaded:
                    self._loaded.add(prefix)
                    self.used.add(prefix)
                    for path in reversed(self._files[prefix]):  # what is written by hand comes last and wins
                        self._add(read_summary(path))
        return found

    def _add(self, summary: Summary) -> None:
        for group in summary.blocking:
            severity = severity_of(group.severity)
            for name in group.calls.split():
                self._effects[name] = Effect(
                    call=name,
                    kind=group.kind,
                    severity=severity,
                    confidence=group.confidence,
                    why=group.why,
                    instead=group.instead,
                    via=group.via.get(name, ""),
                )
        self._effects.update(dict.fromkeys(summary.harmless.split()))
        self._returns.update(summary.returns)
        self._attributes.update(summary.attributes)
        self._bases.update({name: tuple(bases.split()) for name, bases in summary.bases.items()})
        self._aliases.update(summary.aliases)
        self._handoffs.update(summary.handoffs.split())
        for group in summary.blocking:
            self._owners.update(name.rpartition(".")[0] for name in group.calls.split())
        self._owners.update(name.rpartition(".")[0] for name in summary.returns)

    def canonical(self, name: str) -> str:
        """The name that summaries use, where this one is an alias of it or lies below an alias."""
        self.covers(name)
        for _ in range(_ALIAS_STEPS):
            for prefix in reversed(_prefixes(name)):
                other = self._aliases.get(prefix)
                if other is not None:
                    name = other + name[len(prefix) :]
                    self.covers(name)
                    break
            else:
                return name
        return name

    def effect(self, name: str) -> Effect | None:
        """What calling this does to the loop; None if nothing that is known."""
        if name not in self._found:
            self._found[name] = self._effect(self.canonical(name))
        return self._found[name]

    def _effect(self, name: str) -> Effect | None:
        if any(_fits(name, pattern) for pattern in self._silenced):
            return None
        owner, _, last = name.rpartition(".")
        for parent in self.lineage(owner) if owner else ():
            for one in (f"{parent}.{last}", f"{parent}.*"):
                if one in self._effects:
                    return self._named(one, f"{parent}.{last}")
        return self._effects.get(name)

    def _named(self, key: str, name: str) -> Effect | None:
        effect = self._effects[key]
        if effect is None or not key.endswith("*") or name.endswith(("__init__", "__enter__", "__iter__")):
            return None if key.endswith("*") else effect
        return replace(effect, call=name)

    def lineage(self, name: str) -> list[str]:
        """A class and all that it inherits from, itself first."""
        found, waiting = [], [name]
        while waiting:
            one = waiting.pop(0)
            if one not in found:
                found.append(one)
                waiting.extend(self.canonical(base) for base in self._bases.get(one, ()))
        return found

    def returns(self, name: str) -> str:
        """The type that a call gives, "" if it is not known."""
        return self._inherited(name, self._returns)

    def attribute(self, name: str) -> str:
        """The type of an attribute, "" if it is not known."""
        return self._inherited(name, self._attributes, unless=(self._returns, self._effects))

    def _inherited(
        self, name: str, table: dict[str, str], *, unless: tuple[Mapping[str, object], ...] = ()
    ) -> str:
        """What a table says of a name, or of the name in a class that its class inherits from."""
        name = self.canonical(name)
        owner, _, last = name.rpartition(".")
        for parent in self.lineage(owner) if owner else ():
            full = f"{parent}.{last}"
            found = table.get(full, "")
            if not found and f"{parent}.*" in table and not any(full in one for one in unless):
                found = table[f"{parent}.*"]
            if found:
                return owner if found == "self" else found
        return "" if owner else table.get(name, "")

    def says_nothing(self, name: str) -> bool:
        """True if no summary tells anything of a name or of what lies below it."""
        return self.effect(name) is None and not self.returns(name) and not self.is_class(name)

    def is_class(self, name: str) -> bool:
        """True if summaries know members of what calling this gives."""
        return self.canonical(name) in self._owners

    def hands_off(self, name: str) -> bool:
        """True for what runs its argument in a thread, a process or elsewhere."""
        return self.canonical(name) in self._handoffs


def _prefixes(name: str) -> list[str]:
    """``a.b.c`` as ``a``, ``a.b`` and ``a.b.c``."""
    parts = name.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _fits(name: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern or name.startswith(pattern + ".")
