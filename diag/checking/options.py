"""What `diag check` is asked to do: flags, and the table `[tool.diag.check]` behind them."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from diag.checking.budgets import Budget, parse_budget
from diag.errors import UsageError
from diag.finding import Confidence, Severity
from diag.settings import ExplainOptions, ToolTable, explain_options, find_table
from diag.static.options import EXCLUDED

_Level = TypeVar("_Level", Severity, Confidence)

SEVERITIES = {one.name.lower(): one for one in Severity}
CONFIDENCES = {one.value: one for one in Confidence}

KEYS = {
    "targets": "a list of texts: files, folders or apps",
    "exclude": "a list of patterns of files and folders to leave out, beside the usual ones",
    "tests": "true to check test files as well",
    "blocking": 'a table: dotted names of further blocking calls, and what to use instead, or ""',
    "harmless": "a list of dotted names of calls not to report; `*` at the end fits any rest",
    "baseline": "the path of a baseline, relative to this file",
    "min-severity": f"one of {', '.join(SEVERITIES)}",
    "min-confidence": f"one of {', '.join(CONFIDENCES)}",
    "budget": 'a text such as "block=50ms,victim-p99=100ms"',
}
"""The keys of ``[tool.diag.check]`` and what they must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What `diag check` is asked to do.

    Attributes:
        targets: as typed; at least one.
        run: True to drive handlers, False to read source only, None to run apps and read all else.
        root: folder that paths are relative to: the repository's top, or the current folder.
        baseline: of issues that do not count, None for none.
        write_baseline: where to write one instead, None to compare.
        diff: a revision: only what changes since then touch counts; "" for everything.
        budget: for what is measured.
        min_severity, min_confidence: of static findings that count.
        exclude, tests, blocking, harmless: as in `diag.static.options.StaticOptions`.
        cache: True to keep what was read in the user's cache folder, for the next check.
        explain: how targets are run; its target is each of them in turn.
    """

    targets: tuple[str, ...]
    run: bool | None = None
    root: Path = field(default_factory=Path.cwd)
    baseline: Path | None = None
    write_baseline: Path | None = None
    diff: str = ""
    budget: Budget = field(default_factory=Budget)
    min_severity: Severity = Severity.WARNING
    min_confidence: Confidence = Confidence.MEDIUM
    exclude: tuple[str, ...] = EXCLUDED
    tests: bool = False
    blocking: tuple[tuple[str, str], ...] = ()
    harmless: tuple[str, ...] = ()
    cache: bool = False
    explain: ExplainOptions = field(default_factory=lambda: ExplainOptions(target=""))


def check_options(
    targets: tuple[str, ...], flags: Mapping[str, object], *, cwd: Path | None = None
) -> CheckOptions:
    """Options from what was typed and, where a flag is None or (), from ``[tool.diag.check]``.

    Args:
        targets: as typed.
        flags: by the names of the options' fields; values as typed. What `diag explain` knows goes to it.
        cwd: the current folder unless given.

    Raises:
        UsageError: a value is not understood, or there is no target.
    """
    here = (cwd or Path.cwd()).absolute()
    tool = find_table(here)
    table = _table(tool)
    chosen = targets or _texts(table, "targets", tool) or _default_target(tool)
    if not chosen:
        raise UsageError(
            "There is no target",
            cause="diag must be told what to check: an app, a folder or files.",
            next_step="Try: diag check .",
            slug="no-target",
        )
    budget = flags.get("budget") or table.get("budget") or ""
    base = {name: flags[name] for name in EXPLAIN_FLAGS if name in flags}
    return CheckOptions(
        targets=chosen,
        run=flags.get("run"),  # type: ignore[arg-type]  # click's flag of three values
        root=repository_of(here),
        baseline=_baseline(flags, table, tool),
        write_baseline=_path(flags.get("write_baseline")),
        diff=str(flags.get("diff") or ""),
        budget=parse_budget(_text(budget, "budget", tool)),
        min_severity=_one_of(SEVERITIES, "min-severity", flags, table, tool, Severity.WARNING),
        min_confidence=_one_of(CONFIDENCES, "min-confidence", flags, table, tool, Confidence.MEDIUM),
        exclude=(*EXCLUDED, *_texts(table, "exclude", tool), *_typed(flags, "exclude")),
        tests=bool(flags.get("tests") if flags.get("tests") is not None else _bool(table, "tests", tool)),
        blocking=_blocking(table, tool),
        harmless=_texts(table, "harmless", tool),
        cache=flags.get("cache") is not False,
        explain=dataclasses.replace(
            explain_options({**base, "target": chosen[0]}, table=tool, cwd=here), verify=False
        ),
    )


EXPLAIN_FLAGS = (
    "factory", "requests", "server", "loop", "workers", "duration", "users", "rate", "threshold", "timeout",
    "headers", "params", "output",
)  # fmt: skip
"""What `diag check --run` shares with `diag explain`."""


def repository_of(folder: Path) -> Path:
    """The top of the repository (the folder with ``.git``) that a folder lies in; else the folder itself."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def _table(tool: ToolTable) -> Mapping[str, object]:
    table = tool.values.get("check", {})
    if not isinstance(table, dict):
        raise _bad("check", tool, "a table")
    for name in table:
        if name not in KEYS:
            close = difflib.get_close_matches(name, KEYS, n=1)
            raise UsageError(
                f"[tool.diag.check] in {tool.path} has the unknown key {name!r}",
                cause=f"Perhaps {close[0]!r} was meant." if close else f"Known are: {', '.join(KEYS)}.",
                next_step=f"Change it in {tool.path}.",
                slug="unknown-setting",
            )
    return table


def _bad(name: str, tool: ToolTable, wanted: str) -> UsageError:
    return UsageError(
        f"{name} in [tool.diag.check] is not understood",
        cause=f"It must be {wanted}.",
        next_step=f"Change it in {tool.path}." if tool.path else "See: diag check --help",
        slug="bad-setting",
    )


def _default_target(tool: ToolTable) -> tuple[str, ...]:
    target = tool.values.get("target")
    return (target,) if isinstance(target, str) and target else ()


def _texts(table: Mapping[str, object], name: str, tool: ToolTable) -> tuple[str, ...]:
    value = table.get(name, ())
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(one, str) and one.strip() for one in items):
        raise _bad(name, tool, KEYS[name])
    return tuple(items)


def _text(value: object, name: str, tool: ToolTable) -> str:
    if not isinstance(value, str):
        raise _bad(name, tool, KEYS[name])
    return value


def _typed(flags: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = flags.get(name) or ()
    return tuple(value) if isinstance(value, list | tuple) else ()


def _bool(table: Mapping[str, object], name: str, tool: ToolTable) -> bool:
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise _bad(name, tool, KEYS[name])
    return value


def _blocking(table: Mapping[str, object], tool: ToolTable) -> tuple[tuple[str, str], ...]:
    value = table.get("blocking", {})
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple((one, "") for one in value)
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise _bad("blocking", tool, KEYS["blocking"])
    return tuple(value.items())


def _path(value: object) -> Path | None:
    return Path(str(value)) if value else None


def _baseline(flags: Mapping[str, object], table: Mapping[str, object], tool: ToolTable) -> Path | None:
    if flags.get("baseline"):
        return _path(flags["baseline"])
    value = table.get("baseline")
    if not value:
        return None
    folder = tool.path.parent if tool.path else Path()
    return folder / _text(value, "baseline", tool)


def _one_of(
    levels: Mapping[str, _Level],
    name: str,
    flags: Mapping[str, object],
    table: Mapping[str, object],
    tool: ToolTable,
    otherwise: _Level,
) -> _Level:
    value = flags.get(name.replace("-", "_")) or table.get(name)
    if not value:
        return otherwise
    if not isinstance(value, str) or value not in levels:
        raise _bad(name, tool, KEYS[name])
    return levels[value]
