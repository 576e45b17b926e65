"""All modules of an analysis: loaded when they are first needed, linked by their imports."""

from __future__ import annotations

import builtins
import os
import sys
from collections import defaultdict
from collections.abc import Callable

from diag.static.discover import Finder
from diag.static.finding import Problem
from diag.static.ir import Call, Expr, Module, Trait
from diag.static.knowledge import Knowledge
from diag.static.loading import UnreadableError
from diag.static.model import ClassInfo, Ext, FunctionInfo, ModuleInfo, Namespace, Value

_STDLIB = sys.stdlib_module_names
_BUILTINS = frozenset(dir(builtins))
_STAR_DEPTH = 8


class World:
    """Modules by path, and what a name means in them.

    Args:
        finder: finds files by module names.
        knowledge: judges what is not loaded.
        read: lowers a file; raises UnreadableError or OSError.
    """

    def __init__(self, finder: Finder, knowledge: Knowledge, read: Callable[[str], Module]) -> None:
        self.finder = finder
        self.knowledge = knowledge
        self._read = read
        self.modules: dict[str, ModuleInfo] = {}
        self.problems: dict[str, UnreadableError] = {}
        self.properties: set[str] = set()
        self.stores: dict[str, list[tuple[str, Expr, ModuleInfo]]] = defaultdict(list)
        self.callers: dict[str, list[tuple[FunctionInfo, Call]]] = defaultdict(list)
        self.methods: dict[str, list[FunctionInfo]] = defaultdict(list)
        self.subclasses: dict[str, list[ClassInfo]] = defaultdict(list)
        self.packages: set[str] = set()
        self.unknown: set[str] = set()

    def load(self, path: str, *, own: bool, name: str = "") -> ModuleInfo | None:
        """The module of a file, None if it cannot be read (which is noted)."""
        known = self.modules.get(path)
        if known is not None or path in self.problems:
            return known
        try:
            lowered = self._read(path)
        except UnreadableError as error:
            self.problems[path] = error
            return None
        except OSError as error:
            self.problems[path] = UnreadableError(
                "unreadable-file", 0, f"it could not be read: {error.strerror}"
            )
            return None
        module = ModuleInfo(
            path=path,
            name=name or self.finder.module_name(path),
            lowered=lowered,
            own=own,
            package=os.path.dirname(path),
        )
        self.modules[path] = module
        self._index(module)
        return module

    def _index(self, module: ModuleInfo) -> None:
        for function in module.functions:
            if function.ir.traits & Trait.PROPERTY:
                self.properties.add(function.ir.name)
        for cls in module.classes:
            for base in cls.ir.bases:
                last = base[2] if isinstance(base, list) and base[0] == "a" else base
                if isinstance(last, str):
                    self.subclasses[last].append(cls)
        if module.own:
            self._index_own(module)

    def _index_own(self, module: ModuleInfo) -> None:
        """What questions about parameters, stored attributes and rare names are answered from."""
        for key, stored in module.ir.stores.items():
            self.stores[key].extend((base, expr, module) for base, expr in stored)
        for function in module.functions:
            if function.ir.owner >= 0:
                self.methods[function.ir.name].append(function)
            for call in function.ir.calls:
                callee = call.callee
                last = callee[2] if isinstance(callee, list) and callee[0] == "a" else callee
                if isinstance(last, str) and (call.args or call.keywords):
                    self.callers[last].append((function, call))

    def imported(self, name: str, importer: ModuleInfo) -> Value | None:
        """What an absolute module name means in a module."""
        top = name.partition(".")[0]
        if top in _STDLIB:
            return Ext(name)
        if importer.own:
            path = self.finder.project(name, importer.path)
            if path:
                return self._opened(path, name, own=True)
        if self.knowledge.by_hand(name):
            self.knowledge.covers(name)
            return Ext(name)
        path = self.finder.installed(name)
        if path:
            self.packages.add(top)
            return self._opened(path, name, own=False)
        if not self.knowledge.covers(name) and importer.own:
            self.unknown.add(top)
        return Ext(name)

    def _opened(self, path: str, name: str, *, own: bool) -> Value | None:
        if not path.endswith(".py"):
            return Namespace(name, path, own)
        return self.load(path, own=own, name="" if own else name)

    def from_import(self, module: str, level: int, name: str, importer: ModuleInfo) -> Value | None:
        """What ``from module import name`` binds."""
        source = self.relative(module, level, importer) if level else self.imported(module, importer)
        return None if source is None else self.member(source, name)

    def relative(self, module: str, level: int, importer: ModuleInfo) -> Value | None:
        """The module that a relative import names."""
        folder = importer.package
        for _ in range(level - 1):
            folder = os.path.dirname(folder)
        if module:
            path = self.finder.below(folder, module)
        else:
            init = os.path.join(folder, "__init__.py")
            path = init if os.path.isfile(init) else folder
        if not path:
            return None
        parts = importer.name.split(".")
        is_package = os.path.basename(importer.path) == "__init__.py"
        kept = parts[: len(parts) - level + is_package]
        return self._opened(path, ".".join([*kept, *filter(None, [module])]), own=importer.own)

    def member(self, source: Value, name: str) -> Value | None:
        """A name of a module: what it binds, or its submodule. None if there is no such name."""
        if isinstance(source, Ext):
            full = f"{source.name}.{name}"
            return Ext(self.knowledge.canonical(full))
        if isinstance(source, Namespace):
            path = self.finder.inside(source.folder, name)
            full = f"{source.name}.{name}"
            if path:
                return self._opened(path, full, own=source.own)
            return Ext(full) if self.knowledge.covers(full) else None
        if isinstance(source, ModuleInfo):
            if os.path.basename(source.path) == "__init__.py":
                path = self.finder.inside(source.package, name)
                if path:
                    return self._opened(path, f"{source.name}.{name}", own=source.own)
            return None
        return None

    def star_sources(self, module: ModuleInfo) -> list[Value]:
        """The modules whose names a module takes over with a star."""
        found = []
        for name, level, plain in module.ir.stars:
            if not plain:
                source = self.relative(name, level, module) if level else self.imported(name, module)
                if source is not None and source is not module:
                    found.append(source)
        return found

    def binding(self, module: ModuleInfo, name: str, depth: int = 0) -> tuple[ModuleInfo, list[Expr]] | None:
        """The module that binds a module-level name, and the expressions it is bound to."""
        bound = module.functions[0].ir.bindings.get(name)
        if bound is not None:
            return module, bound
        if module.ir.stars and depth < _STAR_DEPTH:
            for source in self.star_sources(module):
                if isinstance(source, ModuleInfo):
                    found = self.binding(source, name, depth + 1)
                    if found is not None:
                        return found
        return None

    @staticmethod
    def builtin(name: str) -> Value | None:
        """A name that needs no import."""
        return Ext(name) if name in _BUILTINS else None

    def problems_shown(self, shown: Callable[[str], str], own: set[str]) -> tuple[Problem, ...]:
        """The project's files that could not be analysed, by path."""
        return tuple(
            Problem(slug=error.slug, path=shown(path), line=error.line, message=error.message)
            for path, error in sorted(self.problems.items())
            if path in own
        )
