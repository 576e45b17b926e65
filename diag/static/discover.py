"""Finds the project's files, and the file that a module's name stands for, without importing anything."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from diag.static.options import TEST_FILES, StaticOptions

_SUFFIXES = (".py", ".pyw")


def project_files(targets: Sequence[Path], options: StaticOptions) -> list[str]:
    """The Python files that the targets name or hold, sorted; a file that is named is never left out."""
    found: dict[str, None] = {}
    patterns = options.exclude if options.tests else (*options.exclude, *TEST_FILES)
    for target in targets:
        path = os.path.abspath(target)
        if os.path.isdir(path):
            found.update(dict.fromkeys(sorted(_below(path, patterns))))
        else:
            found[path] = None
    return list(found)


def _below(folder: str, patterns: Sequence[str]) -> Iterator[str]:
    names = frozenset(one for one in patterns if not any(c in one for c in "*?["))
    globs = [one for one in patterns if one not in names]
    waiting, seen = [folder], set()
    while waiting:
        current = waiting.pop()
        try:
            entries = list(os.scandir(current))
            status = os.stat(current)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in seen:  # a link to a folder above
            continue
        seen.add((status.st_dev, status.st_ino))
        if current != folder and any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        for entry in entries:
            name = entry.name
            if name in names or any(fnmatch(name, one) for one in globs):
                continue
            if entry.is_dir():
                waiting.append(entry.path)
            elif name.endswith(_SUFFIXES):
                yield entry.path


class Finder:
    """Finds modules by name: the project's from where it is imported, installed ones in the search path.

    Args:
        options: the root and the search path.
        files: the project's files, for the folders that its imports may begin in.
    """

    def __init__(self, options: StaticOptions, files: Iterable[str]) -> None:
        root = os.path.abspath(options.root)
        self._listings: dict[str, dict[str, bool]] = {}
        self._found: dict[tuple[str, str], str] = {}
        self._search = [os.path.abspath(one) for one in options.search_path]
        starts = dict.fromkeys((root, os.path.join(root, "src")))
        for folder in dict.fromkeys(os.path.dirname(one) for one in files):
            starts[self.start_of(folder)] = None
        self._starts = list(starts)
        self._root = root

    def _listing(self, folder: str) -> dict[str, bool]:
        """Names in a folder, each True for a folder."""
        known = self._listings.get(folder)
        if known is None:
            try:
                with os.scandir(folder) as entries:
                    known = {entry.name: entry.is_dir() for entry in entries}
            except OSError:
                known = {}
            self._listings[folder] = known
        return known

    def start_of(self, folder: str) -> str:
        """The folder that absolute names of the modules in `folder` begin in."""
        while "__init__.py" in self._listing(folder):
            above = os.path.dirname(folder)
            if above == folder:
                break
            folder = above
        return folder

    def module_name(self, path: str) -> str:
        """The name by which a file is imported."""
        start = self.start_of(os.path.dirname(path))
        parts = os.path.relpath(os.path.splitext(path)[0], start).split(os.sep)
        return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)

    def project(self, name: str, importer: str) -> str:
        """The project's file or package folder of an absolute name, "" if there is none."""
        folder = os.path.dirname(importer)
        key = folder, name
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = next(
                filter(None, (self.below(s, name) for s in self._places(folder))), ""
            )
        return known

    def _places(self, folder: str) -> Iterator[str]:
        start = self.start_of(folder)
        yield start
        seen = {start}
        while start.startswith(self._root + os.sep):
            start = os.path.dirname(start)
            seen.add(start)
            yield start
        yield from (one for one in self._starts if one not in seen)

    def installed(self, name: str) -> str:
        """The file or package folder of an installed module, "" if there is none in the search path."""
        key = "", name
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = next(filter(None, (self.below(s, name) for s in self._search)), "")
        return known

    def below(self, start: str, name: str) -> str:
        """The file of a module, or the folder of a namespace package, below a folder."""
        folder = start
        *above, last = name.split(".")
        for part in above:
            if not self._listing(folder).get(part, False):
                return ""
            folder = os.path.join(folder, part)
        return self.inside(folder, last)

    def inside(self, folder: str, name: str) -> str:
        """The file of a module in a folder, or the folder of a namespace package; "" if there is none."""
        entries = self._listing(folder)
        if entries.get(name, False):
            path = os.path.join(folder, name)
            inner = self._listing(path)
            if "__init__.py" in inner:
                return os.path.join(path, "__init__.py")
            if f"{name}.py" not in entries:
                return path if any(n.endswith(".py") or is_dir for n, is_dir in inner.items()) else ""
        return os.path.join(folder, f"{name}.py") if f"{name}.py" in entries else ""
