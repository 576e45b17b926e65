"""What `diag compare` is asked to do: its own options, beside those that it shares with `diag explain`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from diag.comparison import By
from diag.errors import UsageError
from diag.plan import DEFAULT_MASTER, LOCUST
from diag.settings import KEYS, ExplainOptions, ToolTable, explain_options

DEFAULT_TRIALS = 5
"""Two equal cells are told apart wrongly no more often with few trials, but real differences are missed."""

DEFAULT_DURATION_NS = 3_000_000_000
SELECTABLE = ("framework", "server", "loop", "strategy", "workload", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Cells that are wanted: for every key one of its patterns must fit.

    Attributes:
        text: as typed.
        patterns: by key, with ``*`` and ``?`` as in file names.
    """

    text: str
    patterns: Mapping[str, tuple[str, ...]]

    def fits(self, values: Mapping[str, str]) -> bool:
        """True if a cell with these values is wanted."""
        return all(
            any(fnmatchcase(values.get(key, ""), pattern) for pattern in patterns)
            for key, patterns in self.patterns.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """What `diag compare` is asked to do.

    Attributes:
        targets: as typed.
        base: what holds for every cell; its own target is the first one.
        select: cells that are wanted, () for a short choice of diag's own.
        trials: repeats of each cell.
        total: requests after which a trial ends, None where the duration says.
        duration_ns: of each trial's load.
        keep_alive: False for a connection a request.
        http: the version.
        generator: "" for diag's own, an installed tool, or ``locust``.
        master: the Locust master's address.
        by: what to rank by, None lets the load decide.
        preset: the published comparison that is run again, "" for one of the user's own.
        scale: of the preset, 1 for the published settings.
    """

    targets: tuple[str, ...]
    base: ExplainOptions
    select: tuple[Selection, ...] = ()
    trials: int = DEFAULT_TRIALS
    total: int | None = None
    duration_ns: int = DEFAULT_DURATION_NS
    keep_alive: bool = True
    http: Literal["1.1", "1.0"] = "1.1"
    generator: str = ""
    master: str = DEFAULT_MASTER
    by: By | None = None
    preset: str = ""
    scale: float = 1.0


def compare_options(targets: tuple[str, ...], flags: Mapping[str, object]) -> CompareOptions:
    """Options from what was typed; what is shared with `diag explain` may come from ``[tool.diag]``.

    Args:
        targets: as typed.
        flags: those of `diag.settings.KEYS`, and ``select``, ``trials``, ``total``, ``connection``, ``http``,
            ``generator``, ``master``, ``by``, ``preset`` and ``scale``.

    Raises:
        UsageError: a value is wrong, or options exclude each other.
    """
    shared = {name: value for name, value in flags.items() if name not in _OWN}
    if flags.get("preset"):
        return _preset_options(targets, flags)
    if flags.get("scale") is not None:
        raise _excluded("a TARGET", "--scale", "only a preset can be scaled")
    base = explain_options(shared | {"target": targets[0] if targets else None})
    total = _whole(flags.get("total"), "--requests")
    trials = _whole(flags.get("trials"), "--trials") or DEFAULT_TRIALS
    if total is not None and flags.get("duration") is not None:
        raise _excluded("--requests", "--duration", "each of them says when a trial ends")
    if base.users is not None and base.rate is not None:
        raise _excluded("--users", "--rate", "a load is closed or open")
    generator = str(flags.get("generator") or "")
    if generator and base.rate is not None:
        raise _excluded("--generator", "--rate", f"{generator} makes closed loads only")
    master = str(flags.get("master") or "")
    if master and generator != LOCUST:
        raise _excluded("--master", f"--generator {generator or 'diag'}", "only Locust has a master")
    return CompareOptions(
        targets=targets or (base.target,),
        base=base,
        select=tuple(parse_selection(text) for text in _texts(flags.get("select")) if text != "all")
        or (_EVERYTHING if "all" in _texts(flags.get("select")) else ()),
        trials=trials,
        total=total,
        duration_ns=base.duration_ns or DEFAULT_DURATION_NS,
        keep_alive=flags.get("connection") != "per-request",
        http="1.0" if flags.get("http") == "1.0" else "1.1",
        generator="" if generator == "diag" else generator,
        master=_master(master),
        by=By(str(flags["by"])) if flags.get("by") else None,
    )


def _master(text: str) -> str:
    """A web address, with what may be left out."""
    if not text:
        return DEFAULT_MASTER
    return text if "://" in text else f"http://{text}"


_OWN = ("select", "trials", "total", "connection", "http", "generator", "master", "by", "preset", "scale")
_OF_PRESETS = (
    "total", "duration", "users", "rate", "connection", "http", "workers", "threads", "requests", "headers",
    "factory", "params", "timeout", "cpus", "memory",
)  # fmt: skip
"""Options that a preset sets by itself."""

LEAST_SCALE, LARGEST_SCALE = 0.001, 100.0
_EVERYTHING = (Selection(text="all", patterns={}),)


def _preset_options(targets: tuple[str, ...], flags: Mapping[str, object]) -> CompareOptions:
    """A preset is the same whatever the folder's settings say; how often it is run is the user's."""
    if targets:
        raise _excluded("--preset", targets[0], "a preset says what is measured")
    for name in _OF_PRESETS:
        if flags.get(name) not in (None, ()):
            flag = KEYS[name].flag if name in KEYS else {"total": "--requests"}.get(name, f"--{name}")
            raise _excluded("--preset", flag, "a preset says what is measured, and under which load")
    name, scale = str(flags["preset"]), flags.get("scale")
    if scale is None:
        scale = 1.0
    if not isinstance(scale, int | float) or not LEAST_SCALE <= scale <= LARGEST_SCALE:
        raise UsageError(
            f"--scale is not understood: {scale!r}",
            cause=f"It must be a number from {LEAST_SCALE:g} to {LARGEST_SCALE:g}; 1 is as published.",
            next_step=f"Try: diag compare --preset {name} --scale 0.1",
            slug="bad-setting",
        )
    kept = {key: flags[key] for key in ("seed", "output") if flags.get(key) is not None}
    generator = str(flags.get("generator") or "")
    return CompareOptions(
        targets=(f"--preset {name}",),
        base=explain_options(kept | {"target": f"--preset {name}"}, table=ToolTable()),
        select=tuple(parse_selection(text) for text in _texts(flags.get("select")) if text != "all"),
        trials=_whole(flags.get("trials"), "--trials") or DEFAULT_TRIALS,
        generator="" if generator == "diag" else generator,
        by=By(str(flags["by"])) if flags.get("by") else None,
        preset=name,
        scale=float(scale),
    )


def parse_selection(text: str) -> Selection:
    """A selection such as ``framework=flask,strategy=gevent``; a key that comes twice takes either value.

    Raises:
        UsageError: it is not of that form, or a key does not exist.
    """
    patterns: dict[str, tuple[str, ...]] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value or key not in SELECTABLE:
            near = difflib.get_close_matches(key, SELECTABLE, 1)
            raise UsageError(
                f"--select {text!r} is not understood",
                cause=f"It is key=value, with commas between; keys are {', '.join(SELECTABLE)}.",
                next_step=f"Try: --select {(near or ['framework'])[0]}={value or 'flask'}",
                slug="bad-selection",
            )
        patterns[key] = (*patterns.get(key, ()), value)
    return Selection(text=text, patterns=patterns)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _whole(value: object, flag: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or value < 1:
        raise UsageError(
            f"{flag} is not understood: {value!r}",
            cause="It must be a whole number from 1.",
            next_step="See: diag compare --help",
            slug="bad-setting",
        )
    return value


def _excluded(first: str, second: str, why: str) -> UsageError:
    return UsageError(
        f"{first} and {second} exclude each other",
        cause=f"{why[0].upper()}{why[1:]}.",
        next_step=f"Leave {second} out.",
        slug="excluded-options",
    )
