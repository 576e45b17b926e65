"""What source text says about a line: its text, its function, what it calls, and whose it is."""

from __future__ import annotations

import ast
import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import diag
from diag.finding import Location
from diag.recording import Frame, Recording

_PACKAGE = os.path.dirname(os.path.abspath(diag.__file__))
_INSTALLED = re.compile(r"(^|/)(site-packages|dist-packages|\.?venv|lib(64)?/python\d[^/]*)(/|$)")
_SITE = re.compile(r".*/(?:site|dist)-packages/([^/]+)")

FRAMEWORKS = frozenset(
    {
        "anyio", "a2wsgi", "asgiref", "click", "diag", "fastapi", "flask", "gevent", "granian", "greenlet",
        "gunicorn", "h11", "httptools", "hypercorn", "sniffio", "starlette", "uvicorn", "uvicorn_worker",
        "uvloop", "waitress", "werkzeug", "wsproto",
    }
)  # fmt: skip
"""Packages that call a handler; what they call directly is where a library comes in."""


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A line of a stack whose function is known by its qualified name."""

    path: str
    line: int
    function: str


@dataclass(slots=True)
class _File:
    """One file: its lines, and on demand what its syntax tree says."""

    lines: list[str]
    tree: ast.Module | None
    functions: list[tuple[int, int, str]] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)


class Code:
    """The source text that came with a recording."""

    def __init__(
        self, sources: Mapping[str, str], roots: tuple[str, ...], *, own_folders: tuple[str, ...] = ()
    ) -> None:
        """Take the sources.

        Args:
            sources: text by path.
            roots: folders whose files are the user's own.
            own_folders: folders of diag's own package, which are nobody's culprit.
        """
        self._sources = sources
        self._roots = tuple(sorted((root.rstrip("/") or "/" for root in roots), key=len, reverse=True))
        self._own = tuple(folder.rstrip("/") + "/" for folder in (*own_folders, _PACKAGE))
        self._files: dict[str, _File | None] = {}
        self._is_user: dict[str, bool] = {}
        self._names: dict[tuple[str, int], str] = {}

    @classmethod
    def of(cls, recording: Recording) -> Code:
        """The code of a recording; where diag itself lay is known from the canary's place."""
        canaries = (canary for run in recording.runs for canary in run.canaries)
        folders = {_package_of(canary.path) for canary in canaries if canary.path.startswith("/")}
        return cls(recording.sources, recording.meta.roots, own_folders=tuple(sorted(folders)))

    def is_user(self, path: str) -> bool:
        """True if a file is the user's own: below a root, and neither installed nor diag's nor generated."""
        known = self._is_user.get(path)
        if known is None:
            known = self._is_user[path] = self._judge_owner(path)
        return known

    def is_diag(self, path: str) -> bool:
        """True if a file is diag's own; the workloads that it ships are like the user's."""
        return any(
            path.startswith(own) and not path[len(own) :].startswith("_workloads/") for own in self._own
        )

    def _judge_owner(self, path: str) -> bool:
        if path.startswith("<"):
            return False
        if not path.startswith("/"):
            return path in self._sources
        if self.is_diag(path):
            return False
        root = self._root_of(path)
        return root is not None and not _INSTALLED.search(path[len(root) :])

    def _root_of(self, path: str) -> str | None:
        return next((r for r in self._roots if path.startswith(r.rstrip("/") + "/")), None)

    def line(self, frame: Frame) -> Line:
        """A frame with its function's qualified name; comprehensions count as the function around them."""
        return Line(frame.path, frame.line, self.function(frame.path, frame.line) or frame.function)

    def function(self, path: str, line: int) -> str:
        """The qualified name of the innermost function around a line, "" if the source does not tell."""
        key = (path, line)
        found = self._names.get(key)
        if found is None:
            file = self._file(path)
            around = [f for f in file.functions if f[0] <= line <= f[1]] if file else []
            found = self._names[key] = max(around, key=lambda f: (f[0], -f[1]))[2] if around else ""
        return found

    def text(self, path: str, line: int) -> str:
        """The source line itself, "" where it is not known."""
        file = self._file(path)
        return file.lines[line - 1].strip() if file and 0 < line <= len(file.lines) else ""

    def lines(self, path: str) -> tuple[str, ...]:
        """All lines of a file, () where its text is not known."""
        file = self._file(path)
        return tuple(file.lines) if file else ()

    def calls(self, path: str, line: int) -> tuple[str, ...]:
        """Dotted names called on a line, resolved through the file's imports, outermost first.

        Calls with a receiver that is no module are given as ``.method``; ``with name:`` and
        ``async with`` count as a call of ``name.__enter__``.
        """
        file = self._file(path)
        if file is None or file.tree is None:
            return ()
        names = []
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or node.lineno):
                names.append(_resolved(_dotted(node.func), file.origins))
            elif isinstance(node, ast.With) and node.lineno == line:
                names += [
                    _resolved(_dotted(item.context_expr), file.origins) + ".__enter__" for item in node.items
                ]
        return tuple(names)

    def counts(self, path: str, line: int) -> bool:
        """True if a line is the head of a loop that only counts or compares: each pass of it is bytecode."""
        file = self._file(path)
        for node in ast.walk(file.tree) if file and file.tree else ():
            if isinstance(node, ast.While) and node.lineno == line:
                return not any(isinstance(inner, ast.Call) for inner in ast.walk(node.test))
            if isinstance(node, ast.For) and node.lineno == line:
                return isinstance(node.iter, ast.Call) and _dotted(node.iter.func) == "range"
        return False

    def location(self, line: Line) -> Location:
        """A line as a finding names it: relative to the root it lies below, with its text."""
        root = self._root_of(line.path)
        shown = line.path[len(root.rstrip("/")) + 1 :] if root is not None else line.path
        return Location(
            path=shown,
            absolute=line.path,
            line=line.line,
            function=line.function,
            text=self.text(line.path, line.line),
        )

    def _file(self, path: str) -> _File | None:
        if path not in self._files:
            source = self._sources.get(path)
            self._files[path] = None if source is None else _parse(source)
        return self._files[path]


def _package_of(path: str) -> str:
    """The folder of diag's package that a file of its agent lies in."""
    folder = os.path.dirname(path)
    return os.path.dirname(folder) if os.path.basename(folder) == "agent" else folder


def package(path: str) -> str:
    """The installed package a file belongs to: ``starlette``; "" for the standard library and others."""
    found = _SITE.match(path)
    if found:
        return found.group(1).removesuffix(".py")
    return ""


def _parse(source: str) -> _File:
    # Not splitlines(): that also splits at form feeds, which Python's own line numbers do not count.
    lines = source.replace("\r\n", "\n").split("\n")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a file that was changed meanwhile, or is not Python
        return _File(lines, None)
    file = _File(lines, tree)
    _collect(tree, "", file.functions)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                file.origins[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                file.origins[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}"
    return file


def _collect(node: ast.AST, prefix: str, into: list[tuple[int, int, str]]) -> None:
    """Functions with their qualified names, as `__qualname__` gives them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = prefix + child.name
            into.append((child.lineno, child.end_lineno or child.lineno, name))
            _collect(child, f"{name}.<locals>.", into)
        elif isinstance(child, ast.ClassDef):
            _collect(child, f"{prefix}{child.name}.", into)
        else:
            _collect(child, prefix, into)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _resolved(name: str, origins: Mapping[str, str]) -> str:
    head, dot, rest = name.partition(".")
    if head in origins:
        return origins[head] + dot + rest
    return name if not dot else f".{name.rpartition('.')[2]}"
