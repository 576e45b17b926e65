"""What a change in git touches: the functions that it is in.

An issue counts if the way from its handler to what blocks leads through one.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from diag.checking.result import Issue
from diag.errors import UsageError
from diag.units import plural

_HUNK = re.compile(r"^@@ -\S+ \+(?P<start>\d+)(?:,(?P<count>\d+))? @@")
_GIT_TIMEOUT_S = 60
_DIFF = (
    "-c", "core.quotePath=false", "diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-renames",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
_PYTHON = ("*.py", "*.pyw")


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a change touches.

    Attributes:
        revision: that it is a change from.
        spans: by absolute path, first and last lines of the functions that it is in, and of its hunks.
        functions: how many functions.
    """

    revision: str
    spans: dict[str, tuple[tuple[int, int], ...]]
    functions: int

    def reaches(self, issue: Issue) -> bool:
        """True if the change is in an issue's handler, or in anything on the way from it to what blocks."""
        places = [(issue.absolute, issue.line)]
        if issue.static is not None:
            places += [(hop.absolute, hop.line) for hop in issue.static.hops if hop.own]
        if issue.measured is not None:
            places += [(place.absolute, place.line) for place in issue.measured.path]
        return any(self._holds(path, line) for path, line in places)

    def _holds(self, path: str, line: int) -> bool:
        return any(first <= line <= last for first, last in self.spans.get(os.path.realpath(path), ()))

    def words(self) -> str:
        """What it touches, in words."""
        files, functions = plural(len(self.spans), "Python file"), plural(self.functions, "function")
        return f"changes since {self.revision}: {functions} in {files}"


def touched_since(revision: str, folder: Path) -> Touched:
    """What the working tree changes from a revision (from where both branched off), new files included.

    Raises:
        UsageError: there is no repository, no git, or no such revision.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    if revision.startswith("-"):
        raise _no_revision(revision, "it begins with a dash")
    base = _git(
        top,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        revision=revision,
    )
    base = base.strip()
    if _git(top, "rev-parse", "HEAD").strip() != base:
        base = _merge_base(top, base)
    changed = _changed_lines(_git(top, *_DIFF, base, "--", *_PYTHON))
    new = _git(top, "ls-files", "-z", "--others", "--exclude-standard", "--", *_PYTHON).split("\0")
    spans: dict[str, tuple[tuple[int, int], ...]] = {}
    functions = 0
    for name in filter(None, {*changed, *new}):
        path = os.path.realpath(top / name)
        if os.path.isfile(path):
            lines = changed.get(name, [(1, 1 << 30)])
            around = _functions_at(path, lines)
            functions += len(around)
            spans[path] = (*around, *lines)
    return Touched(revision=revision, spans=spans, functions=functions)


def _merge_base(top: Path, base: str) -> str:
    try:
        return _git(top, "merge-base", base, "HEAD").strip()
    except UsageError:  # a shallow clone, or histories that have nothing in common
        return base


def _changed_lines(diff: str) -> dict[str, list[tuple[int, int]]]:
    """By path, first and last lines of each hunk in the new file; a removal is the lines around it."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    path = ""
    for line in diff.split("\n"):
        if line.startswith("+++ "):
            path = line[4:].removeprefix("b/").rstrip("\t")
        elif path and (match := _HUNK.match(line)):
            start, count = int(match["start"]), int(match["count"] or 1)
            found[path].append((start, start + count - 1) if count else (start, start + 1))
    return found


def _functions_at(path: str, lines: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """First and last lines of the functions around changed lines; none where the file is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    spans = [
        (min([node.lineno, *(one.lineno for one in node.decorator_list)]), node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [span for span in spans if any(first <= span[1] and last >= span[0] for first, last in lines)]


def _git(folder: Path, *arguments: str, revision: str = "") -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, check=False, timeout=_GIT_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(
            f"git could not be asked what changed: {error}",
            cause="--diff needs the program git.",
            next_step="Install git, or leave --diff out.",
            slug="no-git",
        ) from error
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode and revision:
        raise _no_revision(revision, said or "git does not know it")
    if done.returncode:
        raise UsageError(
            f"git could not say what changed: {(said.splitlines() or ['it failed'])[0]}",
            cause="--diff is for a folder in a git repository with at least one commit.",
            next_step="Run diag in the repository, or leave --diff out.",
            slug="no-git",
        )
    return done.stdout.decode("utf-8", "surrogateescape")


def _no_revision(revision: str, reason: str) -> UsageError:
    return UsageError(
        f"There is no revision {revision!r}: {reason}",
        cause="In CI, only the newest commit is fetched as a rule.",
        next_step="Fetch it first: git fetch origin main (actions/checkout: fetch-depth: 0)",
        slug="no-revision",
    )
