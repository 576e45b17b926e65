"""What a run is asked to do: flags, and the `[tool.diag]` table of pyproject.toml behind them."""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from diag.errors import UsageError
from diag.units import memory, parse_duration, parse_memory

# Measured in DESIGN section 6: from here on, the line of a block is found for certain.
DEFAULT_THRESHOLD_NS = 10_000_000
DEFAULT_TIMEOUT_NS = 60_000_000_000
LEAST_CPUS = 0.01
"""The least that Docker takes, a thousand microseconds of each 100 ms: the kernel takes no less."""

LEAST_MEMORY = 6 << 20
"""The least that Docker takes; Python alone needs more, and dies of it."""

_MOST_CPUS = 10_000
LOOPS = ("asyncio", "uvloop", "gevent")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """What `diag explain` is asked to do.

    Attributes:
        target: as typed: a workload file, an app, a script or a recording.
        args: arguments of a script.
        factory: True if the app's attribute is to be called for the app.
        requests: requests that drive routes, such as ``POST /items {"name": "x"}``.
        strategies: names of strategies to run a workload in; () for all that apply.
        framework, server, loop: names; "" lets diag choose.
        workers: server processes.
        threads: threads a process, 0 for the server's default.
        pool: threads or processes of a strategy's own pool, 0 for the strategy's default.
        together: calls that the strategy gather makes in one request, 0 for its default.
        duration_ns: how long each run is under load, None lets diag choose.
        users: closed-loop users, None lets diag choose.
        rate: requests per second of an open load, None for a closed one.
        seed: of all random choices.
        threshold_ns: a step longer than this is a block.
        timeout_ns: how long to wait for a start, for an answer, or for a script to end.
        output: where the recording goes, None for a file in the state folder.
        params: keyword arguments of the workload.
        expect: True if the verdict is to be compared with the workload's ground truth.
        port: the server's port, None for a free one.
        headers: name and value pairs, added to every request.
        cwd: the folder that the target runs in, and that names are relative to.
        cpus: cores that the target's processes may use together, 0 for all.
        memory_bytes: memory that they may use together, 0 for all.
        verify: True if remedies are to be tried against what is found.
        remedies: names of those to try, () for diag's own choice.
    """

    target: str
    args: tuple[str, ...] = ()
    factory: bool = False
    requests: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    framework: str = ""
    server: str = ""
    loop: str = ""
    workers: int = 1
    threads: int = 0
    pool: int = 0
    together: int = 0
    duration_ns: int | None = None
    users: int | None = None
    rate: float | None = None
    seed: int = 0
    threshold_ns: int = DEFAULT_THRESHOLD_NS
    timeout_ns: int = DEFAULT_TIMEOUT_NS
    output: Path | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    expect: bool = False
    port: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    cwd: Path = field(default_factory=Path.cwd)
    cpus: float = 0.0
    memory_bytes: int = 0
    verify: bool = True
    remedies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTable:
    """The `[tool.diag]` table.

    Attributes:
        path: the pyproject.toml it was found in, None if there is none.
        values: by key, as TOML has them; the keys are known, the values not yet checked.
    """

    path: Path | None = None
    values: Mapping[str, object] = field(default_factory=dict)


def find_table(cwd: Path) -> ToolTable:
    """The `[tool.diag]` table of the nearest pyproject.toml that has one, from `cwd` upward.

    The search ends at the top of a repository (a folder with ``.git``).

    Raises:
        UsageError: a file on the way is no TOML, or its table has a key that diag does not know.
    """
    for folder in (cwd, *cwd.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            tool = _read_toml(path).get("tool")
            table = tool.get("diag") if isinstance(tool, dict) else None
            if table is not None:
                return ToolTable(path=path, values=_checked_keys(path, table))
        if (folder / ".git").exists():
            break
    return ToolTable()


def explain_options(
    flags: Mapping[str, object], *, table: ToolTable | None = None, cwd: Path | None = None
) -> ExplainOptions:
    """Options from flags and, where a flag is None or (), from the table.

    Args:
        flags: by the names of `KEYS`, and ``args``; values as typed (durations as text).
        table: the `[tool.diag]` table; searched for from `cwd` unless given.
        cwd: the folder that the target runs in; the current one unless given.

    Raises:
        UsageError: a value has the wrong type or is out of range, or there is no target.
    """
    folder = cwd or Path.cwd()
    found = find_table(folder) if table is None else table
    values: dict[str, object] = {}
    for name, key in KEYS.items():
        flag = flags.get(name)
        if flag is not None and flag != ():
            values[key.field] = _converted(key, flag, key.flag, "")
        elif name in found.values:
            values[key.field] = _converted(key, found.values[name], f"{name} in [tool.diag]", str(found.path))
    if not values.get("target"):
        raise UsageError(
            "There is no target",
            cause="diag must be told what to look at: a workload file, an app, a script or a recording.",
            next_step="Try: diag explain workloads/blocking_sleep.py",
            slug="no-target",
        )
    args = flags.get("args") or ()
    return ExplainOptions(cwd=folder, args=tuple(args), **values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One option, as a flag and as a key of `[tool.diag]`.

    Attributes:
        flag: how the command line calls it.
        field: the field of `ExplainOptions`.
        wanted: what its value must be, in words, with an example.
        convert: gives the field's value; raises ValueError or TypeError for what it cannot take.
    """

    flag: str
    field: str
    wanted: str
    convert: Callable[[object], object]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError
    return value


def _texts(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise TypeError
    return tuple(_text(item) for item in items)


def _names(value: object) -> tuple[str, ...]:
    """Names as a list, or in one text with commas between."""
    return tuple(name.strip() for text in _texts(value) for name in text.split(",") if name.strip())


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _whole(low: int, high: int) -> Callable[[object], object]:
    def convert(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError
        if not low <= value <= high:
            message = f"{value} is not between {low} and {high}"
            raise ValueError(message)
        return value

    return convert


def _rate(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError
    if not (math.isfinite(value) and value > 0):
        message = f"{value} is not above 0"
        raise ValueError(message)
    return float(value)


def _duration(value: object) -> int:
    ns = parse_duration(_text(value))
    if ns == 0:
        message = f"{value!r} is not above 0"
        raise ValueError(message)
    return ns


def _requests(value: object) -> tuple[str, ...]:
    """Requests as lines; in a table, the key is method and path, the value the body."""
    if not isinstance(value, dict):
        return _texts(value)
    lines = []
    for line, body in value.items():
        text = body if isinstance(body, str) else json.dumps(body, default=str)
        lines.append(f"{line} {text}".strip())
    return tuple(lines)


def _params(value: object) -> dict[str, object]:
    """Keyword arguments: a table, or ``name=value`` texts whose values are JSON or else plain text."""
    if isinstance(value, dict):
        return value
    params: dict[str, object] = {}
    for pair in _texts(value):
        name, equals, text = pair.partition("=")
        if not equals or not name.strip().isidentifier():
            message = f"{pair!r} is not name=value"
            raise ValueError(message)
        try:
            params[name.strip()] = json.loads(text)
        except ValueError:
            params[name.strip()] = text
    return params


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    """Headers: a table of texts, or ``Name: value`` texts."""
    lines = [f"{name}: {_text(text)}" for name, text in value.items()] if isinstance(value, dict) else value
    headers = []
    for line in _texts(lines):
        name, colon, text = line.partition(":")
        if not colon or not name.strip() or any(ord(letter) < 32 for letter in line):
            message = f"{line!r} is not a header"
            raise ValueError(message)
        headers.append((name.strip(), text.strip()))
    return tuple(headers)


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser()


def _cpus(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError
    if not LEAST_CPUS <= value <= _MOST_CPUS:
        message = f"{value} is not between {LEAST_CPUS} and {_MOST_CPUS}"
        raise ValueError(message)
    return float(value)


def _memory(value: object) -> int:
    octets = parse_memory(_text(value))
    if octets < LEAST_MEMORY:
        message = f"{value!r} is less than {memory(LEAST_MEMORY)}"
        raise ValueError(message)
    return octets


_MOST_WORKERS = 1_000
_MOST_USERS = 100_000

KEYS = {
    "target": Key(flag="TARGET", field="target", wanted='a text, such as "shop.api:app"', convert=_text),
    "factory": Key(flag="--factory", field="factory", wanted="true or false", convert=_flag),
    "requests": Key(
        flag="--request",
        field="requests",
        wanted='a list of texts, such as ["POST /items {}"], or a table of bodies by "POST /items"',
        convert=_requests,
    ),
    "strategies": Key(
        flag="--strategy",
        field="strategies",
        wanted='a list of texts, such as ["blocking", "native"]',
        convert=_texts,
    ),
    "framework": Key(
        flag="--framework", field="framework", wanted='a text, such as "fastapi"', convert=_text
    ),
    "server": Key(flag="--server", field="server", wanted='a text, such as "uvicorn"', convert=_text),
    "loop": Key(flag="--loop", field="loop", wanted='a text, such as "uvloop"', convert=_text),
    "workers": Key(
        flag="--workers", field="workers", wanted="a whole number from 1", convert=_whole(1, _MOST_WORKERS)
    ),
    "threads": Key(
        flag="--threads", field="threads", wanted="a whole number from 0", convert=_whole(0, _MOST_WORKERS)
    ),
    "pool": Key(
        flag="--pool", field="pool", wanted="a whole number from 0", convert=_whole(0, _MOST_WORKERS)
    ),
    "together": Key(
        flag="--together", field="together", wanted="a whole number from 0", convert=_whole(0, _MOST_WORKERS)
    ),
    "duration": Key(
        flag="--duration", field="duration_ns", wanted='a text with a unit, such as "5s"', convert=_duration
    ),
    "users": Key(
        flag="--users", field="users", wanted="a whole number from 1", convert=_whole(1, _MOST_USERS)
    ),
    "rate": Key(flag="--rate", field="rate", wanted="requests per second, such as 50", convert=_rate),
    "seed": Key(flag="--seed", field="seed", wanted="a whole number from 0", convert=_whole(0, 2**63 - 1)),
    "threshold": Key(
        flag="--threshold",
        field="threshold_ns",
        wanted='a text with a unit, such as "10ms"',
        convert=_duration,
    ),
    "timeout": Key(
        flag="--timeout", field="timeout_ns", wanted='a text with a unit, such as "60s"', convert=_duration
    ),
    "output": Key(flag="--output", field="output", wanted="a path", convert=_path),
    "params": Key(flag="--param", field="params", wanted="a table, such as {seconds = 0.1}", convert=_params),
    "expect": Key(flag="--expect", field="expect", wanted="true or false", convert=_flag),
    "port": Key(flag="--port", field="port", wanted="a port from 1 to 65535", convert=_whole(1, 65_535)),
    "cpus": Key(flag="--cpus", field="cpus", wanted="a number of cores, such as 1 or 0.5", convert=_cpus),
    "memory": Key(
        flag="--memory", field="memory_bytes", wanted='a text with a unit, such as "100m"', convert=_memory
    ),
    "verify": Key(flag="--verify", field="verify", wanted="true or false", convert=_flag),
    "remedies": Key(
        flag="--remedies",
        field="remedies",
        wanted='a list of texts, such as ["native", "to-thread"]',
        convert=_names,
    ),
    "headers": Key(
        flag="--header",
        field="headers",
        wanted='a table, such as {Authorization = "Bearer x"}',
        convert=_headers,
    ),
}


TABLES = ("check",)
"""Tables of single commands below ``[tool.diag]``; the commands look after them."""


def _converted(key: Key, value: object, label: str, where: str) -> object:
    try:
        return key.convert(value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{label} is not understood: {str(error) or repr(value)}",
            cause=f"It must be {key.wanted}.",
            next_step=f"Change it in {where}." if where else "See: diag explain --help",
            slug="bad-setting",
        ) from error


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is not valid TOML: {error}"
        raise UsageError(
            f"{path} cannot be read: {reason}",
            cause="diag looks for its settings there, in the table [tool.diag].",
            next_step=f"Correct {path}, or run diag from another folder.",
            slug="bad-settings-file",
        ) from error


def _checked_keys(path: Path, table: object) -> Mapping[str, object]:
    if not isinstance(table, dict):
        raise UsageError(
            f"tool.diag in {path} is not a table",
            cause=f"It is {table!r}.",
            next_step="Write [tool.diag], and each setting on a line of its own below it.",
            slug="bad-settings-file",
        )
    for name in table:
        if name not in KEYS and name not in TABLES:
            close = difflib.get_close_matches(name, KEYS, n=1)
            raise UsageError(
                f"[tool.diag] in {path} has the unknown key {name!r}",
                cause=f"Perhaps {close[0]!r} was meant." if close else f"Known are: {', '.join(KEYS)}.",
                next_step=f"Change it in {path}.",
                slug="unknown-setting",
            )
    return table
