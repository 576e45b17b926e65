"""What the user points at: a workload file, an app, a script or a recording.

Standard library only; the user's code is read, never imported. How it really behaves on import is
found out by `diag.frameworks.inspect`, in a process of its own.

    target = parse_target("shop/api.py", cwd=Path.cwd())
    if isinstance(target, AppTarget): ...
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from diag.classify import APP_NAMES, FACTORY_NAMES, SourceSummary, classify
from diag.errors import TargetError
from diag.source import find_module, missing_file, missing_module, read_source, usual_file

_SQLITE_MAGIC = b"SQLite format 3\0"
_ATTRIBUTE = re.compile(r"^(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)(?P<call>\((?P<args>.*)\))?$")
_MODULE = re.compile(r"^[^\W\d]\w*(?:\.[^\W\d]\w*)*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePlace:
    """Where the user's code is, and how it is to be imported.

    Attributes:
        file: absolute path of the file; "" where only the module's name is known.
        module: dotted name to import; "" if the file is to be loaded by its path.
        sys_path: folders to put in front of the import path, as Python does for a script's folder.
        cwd: the folder that the user's own command would run in.
    """

    file: str
    module: str
    sys_path: tuple[str, ...]
    cwd: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadTarget:
    """A file with units of work.

    Attributes:
        text: as typed.
        place: where the file is.
        names: the functions asked for; () for all.
    """

    kind: ClassVar[str] = "workload"
    text: str
    place: CodePlace
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTarget:
    """An ASGI or WSGI application.

    Attributes:
        text: as typed.
        place: where its module is.
        attribute: its (dotted) name in the module; "" if it has to be searched.
        factory: True if the attribute is to be called for the app.
    """

    kind: ClassVar[str] = "app"
    text: str
    place: CodePlace
    attribute: str = ""
    factory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptTarget:
    """A program that runs its own event loop.

    Attributes:
        text: as typed.
        place: where the file is.
        args: its own arguments.
    """

    kind: ClassVar[str] = "script"
    text: str
    place: CodePlace
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingTarget:
    """A recording made earlier.

    Attributes:
        text: as typed.
        file: absolute path.
    """

    kind: ClassVar[str] = "recording"
    text: str
    file: str


Target = WorkloadTarget | AppTarget | ScriptTarget | RecordingTarget


def parse_target(
    text: str, *, args: Sequence[str] = (), factory: bool = False, cwd: Path | None = None
) -> Target:
    """Turn what the user typed into a target.

    Args:
        text: ``file.py``, ``file.py:name``, ``file.py::name``, ``package.module``, ``package.module:app``,
            a folder or a recording.
        args: the arguments of a script.
        factory: True if the app's name is a function that returns the app.
        cwd: what relative paths and modules are relative to; the current folder unless given.

    Raises:
        TargetError: nothing measurable is there; it says what was looked at.
    """
    here = (cwd or Path.cwd()).absolute()
    if not text.strip():
        raise TargetError(
            "no target was given",
            cause="The target is empty.",
            next_step="diag explain workloads/blocking_sleep.py",
            slug="no-target",
        )
    path_text, attribute = _split(text, here)
    called = attribute.endswith(")")
    if attribute:
        attribute = _checked_attribute(text, attribute)
    path = _shipped(path_text, here) or Path(os.path.normpath(here / Path(path_text).expanduser()))
    if path.is_dir():
        path = usual_file(text, path)
    elif not path.exists() and _MODULE.match(path_text) and not path_text.endswith(".py"):
        return _from_module(text, path_text, attribute, args, factory=factory or called, cwd=here)
    if _is_recording(path, text):
        return RecordingTarget(text=text, file=str(path))
    summary = classify(_parse(path, text, here))
    place = _place(path, summary.relative_level, here)
    return _choose(text, place, summary, attribute, args, factory=factory or called)


def roots(target: Target) -> tuple[str, ...]:
    """Folders that hold the user's own code; () for a recording, which knows its own.

    Installed packages below them (a virtual environment in the project's folder) are not the user's.
    """
    if isinstance(target, RecordingTarget):
        return ()
    place = target.place
    if not place.file:
        return place.sys_path
    file = Path(place.file)
    found = [folder for folder in place.sys_path if _is_own(file, Path(folder))]
    return tuple(found) or (str(_top_package(place.module, file)),)


def _is_own(file: Path, folder: Path) -> bool:
    return file.is_relative_to(folder) and "site-packages" not in file.relative_to(folder).parts


def _top_package(module: str, file: Path) -> Path:
    depth = module.count(".") + (1 if file.name == "__init__.py" else 0)
    return file.parents[max(depth - 1, 0)]


def _split(text: str, here: Path) -> tuple[str, str]:
    """Path (or module) and attribute; a colon that belongs to an existing file's name stays there."""
    if (here / text).exists():
        return text, ""
    separator = "::" if "::" in text else ":"
    path, _, attribute = text.partition(separator)
    return path, attribute.strip()


def _shipped(path_text: str, here: Path) -> Path | None:
    """A workload that an installed diag brings along, where the current folder has none of that name."""
    parts = Path(path_text).parts
    if parts[:1] != ("workloads",) or (here / path_text).exists():
        return None
    found = Path(__file__).parent / "_workloads" / Path(*parts[1:])
    return found if found.exists() else None


def _checked_attribute(text: str, attribute: str) -> str:
    match = _ATTRIBUTE.match(attribute)
    if match is None:
        raise TargetError(
            f"{attribute!r} is not a name",
            cause="After the colon stands the name of an app or of a workload in the module.",
            next_step="diag explain package.module:app",
            slug="bad-attribute",
        )
    if match["args"] and match["args"].strip():
        raise TargetError(
            f"{text!r} calls a factory with arguments",
            cause="diag calls a factory without arguments only.",
            next_step=f"write a function without arguments that returns {attribute}, and name that one",
            slug="factory-arguments",
        )
    return match["name"]


def _is_recording(path: Path, text: str) -> bool:
    if path.suffix == ".diag" and path.exists():
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    except FileNotFoundError:
        raise missing_file(path, text) from None
    except OSError:
        return False


def _parse(path: Path, text: str, here: Path) -> ast.Module:
    shown = os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
    return read_source(path, shown=shown, typed=text)


def _place(path: Path, relative_level: int, here: Path) -> CodePlace:
    """How a file is imported: as a module of its package if it lies in one, else by its path.

    A file belongs to a package if there is an ``__init__.py`` beside it, or if it imports relatively.
    """
    parts = [] if path.name == "__init__.py" else [path.stem]
    folder = path.parent
    level = relative_level
    while (folder / "__init__.py").is_file() or (level > 0 and folder != folder.parent):
        parts.insert(0, folder.name)
        folder = folder.parent
        level -= 1
    in_package = len(parts) > 1 or path.name == "__init__.py"
    importable = in_package and all(part.isidentifier() for part in parts)
    sys_path = [folder if importable else path.parent]
    if path.is_relative_to(here) and here not in sys_path:
        sys_path.append(here)
    return CodePlace(
        file=str(path),
        module=".".join(parts) if importable else "",
        sys_path=tuple(str(p) for p in sys_path),
        cwd=str(here),
    )


def _from_module(
    text: str, module: str, attribute: str, args: Sequence[str], *, factory: bool, cwd: Path
) -> Target:
    spec = find_module(module, cwd)
    if spec is None:
        raise missing_module(module, cwd)
    file = spec.origin if spec.has_location and spec.origin else ""
    place = CodePlace(file=file, module=module, sys_path=(str(cwd),), cwd=str(cwd))
    if not file.endswith(".py"):
        return AppTarget(text=text, place=place, attribute=attribute, factory=factory)
    summary = classify(_parse(Path(file), text, cwd))
    return _choose(text, place, summary, attribute, args, factory=factory)


def _choose(
    text: str, place: CodePlace, summary: SourceSummary, attribute: str, args: Sequence[str], *, factory: bool
) -> Target:
    if attribute in summary.workloads and attribute not in summary.apps and not factory:
        return WorkloadTarget(text=text, place=place, names=(attribute,))
    if attribute in summary.uncallable and "." not in attribute:
        raise TargetError(
            f"{attribute} in {place.file} needs arguments",
            cause="A workload is called without arguments; an app takes (scope, receive, send) or "
            "(environ, start_response).",
            next_step=f"give the arguments of {attribute} default values",
            slug="workload-needs-arguments",
        )
    if not attribute and summary.kind == "app" and set(summary.apps) == set(summary.factories[:1]):
        return AppTarget(text=text, place=place, attribute=summary.factories[0], factory=True)
    if attribute or factory or summary.kind == "app":
        return AppTarget(text=text, place=place, attribute=attribute, factory=factory)
    if summary.kind == "script":
        return ScriptTarget(text=text, place=place, args=tuple(args))
    if summary.kind == "workload" and (summary.decorated or not summary.guarded):
        return WorkloadTarget(text=text, place=place)
    raise _nothing_found(text, summary)


def _nothing_found(text: str, summary: SourceSummary) -> TargetError:
    if summary.guarded:
        return TargetError(
            f"the app of {text} is made under its main guard, where no server finds it",
            cause='What stands below if __name__ == "__main__": does not run when the file is imported.',
            next_step="move the line that makes the app above the guard, or into def create_app():",
            slug="guarded-app",
        )
    if summary.uncallable:
        cause = (
            f"Its functions need arguments: {', '.join(summary.uncallable[:8])}. A workload is a plain "
            "top-level function that can be called without any."
        )
    else:
        cause = (
            f"Looked for an app named {', '.join((*APP_NAMES, *FACTORY_NAMES))}, for top-level functions "
            "without arguments, and for a call that runs an event loop."
        )
    return TargetError(
        f"{text} holds no app, no workload and no program that runs an event loop",
        cause=cause,
        next_step="put what is to be measured into a function: def work(): ...",
        slug="nothing-to-measure",
    )
