"""Modules, classes and functions as they are linked, and the values that an expression can have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from diag.static import ir


class ModuleInfo:
    """A module that was lowered.

    Attributes:
        path, name: its file and the name it is imported by.
        ir: what it holds.
        own: True for the project's, False for an installed package's.
        package: the folder that relative imports begin in.
        functions, classes: by the index that `ir` gives them.
    """

    __slots__ = ("classes", "functions", "ir", "name", "own", "package", "path", "submodules")

    def __init__(self, *, path: str, name: str, lowered: ir.Module, own: bool, package: str) -> None:
        self.path = path
        self.name = name
        self.ir = lowered
        self.own = own
        self.package = package
        self.functions = [FunctionInfo(self, one, place) for place, one in enumerate(lowered.functions)]
        self.classes = [ClassInfo(self, one) for one in lowered.classes]


class FunctionInfo:
    """A function of a module."""

    __slots__ = ("index", "ir", "module")

    def __init__(self, module: ModuleInfo, lowered: ir.Function, index: int) -> None:
        self.module = module
        self.ir = lowered
        self.index = index

    @property
    def is_async(self) -> bool:
        """True for `async def`."""
        return bool(self.ir.traits & ir.Trait.ASYNC)

    @property
    def scope(self) -> FunctionInfo:
        """The function around it, whose names its decorators, defaults and annotations use."""
        return self.module.functions[max(self.ir.parent, 0)]

    @property
    def owner(self) -> ClassInfo | None:
        """Its class."""
        return self.module.classes[self.ir.owner] if self.ir.owner >= 0 else None

    @property
    def name(self) -> str:
        """Dotted, with its module."""
        return f"{self.module.name}.{self.ir.qualname}"

    def __repr__(self) -> str:
        return f"<{self.name}>"


class ClassInfo:
    """A class of a module."""

    __slots__ = ("ir", "module")

    def __init__(self, module: ModuleInfo, lowered: ir.Class) -> None:
        self.module = module
        self.ir = lowered

    @property
    def scope(self) -> FunctionInfo:
        """The function (or module body) that it is defined in."""
        return self.module.functions[self.ir.parent]

    @property
    def name(self) -> str:
        """Dotted, with its module."""
        return f"{self.module.name}.{self.ir.qualname}"

    def __repr__(self) -> str:
        return f"<class {self.name}>"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A package without ``__init__.py``, or one whose modules are looked up one by one."""

    name: str
    folder: str
    own: bool


@dataclass(frozen=True, slots=True)
class Ext:
    """A module, function, class or method that is known by its name only."""

    name: str


@dataclass(frozen=True, slots=True)
class Obj:
    """An instance of a type that is known by its name only."""

    type: str


@dataclass(frozen=True, slots=True)
class Inst:
    """An instance of a class that was lowered."""

    cls: ClassInfo


@dataclass(frozen=True, slots=True)
class Bound:
    """A method with its object."""

    function: FunctionInfo
    receiver: Value


@dataclass(frozen=True, slots=True)
class Partial:
    """`functools.partial` of something: calling it calls that."""

    inner: Value


@dataclass(frozen=True, slots=True)
class Handed:
    """What runs elsewhere when it is called, such as ``sync_to_async(f)``; `inner` says what it gives."""

    inner: Value


@dataclass(frozen=True, slots=True)
class Super:
    """``super()`` in a method of a class."""

    cls: ClassInfo


@dataclass(frozen=True, slots=True)
class Holds:
    """A container, generator or context: what it holds, by place where that is known."""

    parts: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Coro:
    """What is not there until it is awaited."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """A type that is no class, such as ``Annotated[Session, Depends(get_session)]``."""

    key: int
    scope: FunctionInfo
    expr: ir.Expr = field(compare=False)


Value: TypeAlias = (
    ModuleInfo | Namespace | FunctionInfo | ClassInfo | Ext | Obj | Inst | Bound | Partial | Handed | Super
    | Holds | Coro | Alias
)  # fmt: skip
Values: TypeAlias = tuple[Value, ...]
