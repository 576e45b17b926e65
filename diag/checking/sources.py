"""What a check reads and what it runs: from targets as typed to files, installed packages and runs."""

from __future__ import annotations

import dataclasses
import os
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from diag.checking.options import CheckOptions
from diag.errors import TargetError, UsageError
from diag.settings import ExplainOptions
from diag.source import missing_file
from diag.static.analyse import analyse
from diag.static.cache import default_folder
from diag.static.finding import Analysis
from diag.static.options import StaticOptions
from diag.targets import AppTarget, RecordingTarget, parse_target

_ENVIRONMENTS = (".venv", "venv", "env")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """What is to be done.

    Attributes:
        paths: files and folders to read.
        follow: True if what they import of the project is to be checked as well.
        runs: what to run, as `diag explain` would.
    """

    paths: tuple[Path, ...]
    follow: bool
    runs: tuple[ExplainOptions, ...]


def plan_check(options: CheckOptions) -> CheckPlan:
    """Sort targets into what is read and what is run.

    Raises:
        DiagError: a target is not there, or cannot be checked.
    """
    here = options.explain.cwd
    paths: list[Path] = []
    runs: list[ExplainOptions] = []
    follow = False
    for text in dict.fromkeys(options.targets):
        path = Path(os.path.normpath(here / Path(text).expanduser()))
        run = dataclasses.replace(options.explain, target=text)
        if path.exists():
            paths.append(path)
            runs += [run] if options.run else []
            continue
        if text.endswith((".py", "/")):
            raise missing_file(path, text)
        target = parse_target(text, factory=options.explain.factory, cwd=here)
        if isinstance(target, RecordingTarget):
            raise _not_checkable(text)
        if not target.place.file.endswith(".py"):
            raise TargetError(
                f"{text} has no source that could be read",
                cause="Its module is no Python file.",
                next_step=f"Run it instead: diag explain {text}",
                slug="no-source",
            )
        paths.append(Path(target.place.file))
        follow = True
        runs += [run] if options.run or (options.run is None and isinstance(target, AppTarget)) else []
    return CheckPlan(paths=tuple(paths), follow=follow, runs=tuple(runs))


def _not_checkable(text: str) -> UsageError:
    return UsageError(
        f"{text} cannot be checked",
        cause="A check reads source, and drives apps and workloads. A recording is judged as it is.",
        next_step=f"Try: diag report {text}",
        slug="not-checkable",
    )


def read_source(plan: CheckPlan, options: CheckOptions) -> Analysis:
    """Analyse the source, without importing or running any of it.

    Raises:
        UsageError: a further blocking call that the settings name is not understood.
    """
    static = StaticOptions(
        root=options.root,
        search_path=tuple(installed_folders((options.explain.cwd, options.root))),
        exclude=options.exclude,
        tests=options.tests,
        follow=plan.follow,
        blocking=options.blocking,
        harmless=options.harmless,
        cache=default_folder() if options.cache else None,
    )
    try:
        return analyse(plan.paths, static)
    except ValueError as error:
        raise UsageError(
            f"[tool.diag.check] is not understood: {error}",
            cause="`blocking` and `harmless` take dotted names, such as vendor.client.fetch.",
            next_step="Change it in pyproject.toml.",
            slug="bad-setting",
        ) from error


def installed_folders(projects: Iterable[Path]) -> list[Path]:
    """Where the project's packages are installed: its virtual environment's folders, and this one's."""
    active = os.environ.get("VIRTUAL_ENV")
    homes = [Path(active)] if active else []
    homes += [folder / name for folder in projects for name in _ENVIRONMENTS]
    found = [path for home in homes for path in sorted(home.glob("lib/python3*/site-packages"))]
    own = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    return list(dict.fromkeys(path for path in (*found, *own) if path.is_dir()))
