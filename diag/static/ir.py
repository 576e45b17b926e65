"""What is kept of a module's source: its names, functions, classes and calls, without the syntax tree.

An expression is a text (a name), None (nothing is known of it), or a list that begins with one of the letters
below. Calls are held once, in their function, and expressions refer to them by index.

==== =============================== ==========================================
op   holds                           stands for
==== =============================== ==========================================
``a`` base, attribute                ``base.attribute``
``c`` index                          the call of this index in the same function
``k`` value                          a constant
``s`` base, key                      ``base[key]``
``l`` list                           a list, tuple, set or generator
``m`` list of [key, value]           a dict
``o`` list                           one of these
``b`` left, right                    ``left | right`` or ``left / right``
``w`` expression                     ``await expression``
``i`` expression                     an element of it
``e`` expression                     what ``with expression as …`` binds (``E``: ``async with``)
``t`` annotation                     an instance of it
``d`` index                          the function of this index
``D`` index                          the class of this index
``I`` module                         an imported module, bound by its own first name or by ``as``
``F`` module, level, name            ``from module import name``
``x`` index, expression              an expression in the scope of the function of this index
``u`` nothing                        something that is bound and never resolved
==== =============================== ==========================================
"""

from __future__ import annotations

from enum import IntFlag
from typing import Any, TypeAlias

import msgspec

Expr: TypeAlias = Any
"""See above; nested lists have no better type here."""

FORMAT = 3
"""Of what the cache holds; raised with every change of this module or of what lowering puts into it."""


class Mark(IntFlag):
    """What is known of a call from its place."""

    AWAITED = 1
    ENTERED = 2  # a `with` statement's enter and exit, no call in the source
    ITERATED = 4  # a `for` statement's iteration, no call in the source


class Call(msgspec.Struct, array_like=True, gc=False):
    """A call: its callee, its arguments, and where it stands (columns from 0, in UTF-8 bytes)."""

    callee: Expr
    args: list[Expr]
    keywords: dict[str, Expr]
    line: int
    column: int
    end_line: int
    end_column: int
    marks: int = 0


class Load(msgspec.Struct, array_like=True, gc=False):
    """An attribute that is read, for it may be a property."""

    base: Expr
    name: str
    line: int
    column: int
    end_line: int
    end_column: int


class Trait(IntFlag):
    """What a function is."""

    ASYNC = 1
    GENERATOR = 2
    STATIC = 4
    CLASS = 8
    PROPERTY = 16
    ABSTRACT = 32
    LAMBDA = 64


class Param(msgspec.Struct, array_like=True, gc=False):
    """A parameter; `star` is 1 for ``*args``, 2 for ``**kwargs``; `keyword` if it must be named."""

    name: str
    annotation: Expr = None
    default: Expr = None
    star: int = 0
    keyword: bool = False


class Function(msgspec.Struct, array_like=True, gc=False):
    """A function, a lambda, or (index 0 of a module) the module's own body.

    `parent` is the index of the function around it, `owner` that of its class (-1 for none).
    """

    name: str
    qualname: str
    line: int
    parent: int = -1
    owner: int = -1
    traits: int = 0
    params: list[Param] = []
    decorators: list[Expr] = []
    annotation: Expr = None
    results: list[Expr] = []
    yields: list[Expr] = []
    bindings: dict[str, list[Expr]] = {}
    calls: list[Call] = []
    loads: list[Load] = []


class Class(msgspec.Struct, array_like=True, gc=False):
    """A class: names bound in its body, and attributes assigned through ``self``."""

    name: str
    qualname: str
    line: int
    parent: int
    bases: list[Expr] = []
    decorators: list[Expr] = []
    bindings: dict[str, list[Expr]] = {}
    attributes: dict[str, list[Expr]] = {}


class Module(msgspec.Struct, array_like=True, gc=False):
    """A module; `stores` are assignments to attributes and items of what is not ``self``: key, expression."""

    functions: list[Function]
    classes: list[Class]
    stars: list[list[Any]]
    stores: dict[str, list[Expr]]
    lines: int
    allowances: list[tuple[int, str]]
