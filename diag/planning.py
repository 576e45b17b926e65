"""From a target and the options to the plans that the runner carries out. Nothing here measures anything."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import json
import tokenize
from typing import TYPE_CHECKING

from diag.errors import UsageError
from diag.frameworks import NAMES as FRAMEWORKS
from diag.frameworks import get_framework
from diag.frameworks.inspect import app_to_serve, workloads_to_serve
from diag.frameworks.requests import match_route, parse_request
from diag.plan import HttpRequest, ScriptPlan, ServedUnit, ServePlan, ServerOptions, StreamPlan
from diag.recording import Cell, Unmeasured
from diag.servers import SERVERS, get_server, servers_for
from diag.strategies import STRATEGIES, Detailed, get_strategy, unsuited
from diag.workload import Blocks, find_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from diag.frameworks import Framework
    from diag.inspection import Inspection, RouteInfo, WorkloadInfo
    from diag.servers import Server
    from diag.settings import ExplainOptions
    from diag.strategies import Strategy
    from diag.targets import AppTarget, ScriptTarget, WorkloadTarget

WORK_USERS = 4
"""Callers of a workload: enough that one waits for the other, few enough to stay below saturation."""

MORE_USERS = 2
"""For each further workload of a file."""

APP_USERS = 10
PING_RATE = 50.0
"""Innocent requests per second: one in 20 ms sees every block of 20 ms, and costs an app nothing."""

OTHER_ROUTES = Unmeasured(
    route="other routes",
    reason="are not known: diag cannot ask an app of this framework; name them with --request 'GET /path'",
)
"""Beside ``GET /``, where the app's framework is not known."""


def plan_workloads(
    target: WorkloadTarget, workloads: Sequence[WorkloadInfo], options: ExplainOptions
) -> tuple[ServePlan, ...]:
    """One plan a strategy; the first is the one that the verdict is about.

    Several workloads of a file are routes of one app, so that each one's victims show.

    Raises:
        UsageError: a name among the options does not exist, or no strategy applies.
    """
    framework = get_framework(_checked(options.framework or "fastapi", FRAMEWORKS, "framework"))
    server = _server(options, framework.interface)
    _check_params(workloads, options)
    return tuple(
        _workload_plan(target, strategy, units, framework, server, workloads, options)
        for strategy, units in _units(workloads, framework, server, options)
    )


def _workload_plan(
    target: WorkloadTarget,
    strategy: Strategy,
    units: Sequence[ServedUnit],
    framework: Framework,
    server: Server,
    workloads: Sequence[WorkloadInfo],
    options: ExplainOptions,
) -> ServePlan:
    users = options.users or max(w.users or WORK_USERS for w in workloads) + MORE_USERS * (len(units) - 1)
    requests = tuple(_get(unit.path, options) for unit in units)
    ping = _get("/ping", options)
    streams = (
        StreamPlan(
            name="work", requests=requests, users=0 if options.rate else users, rate=options.rate or 0
        ),
        StreamPlan(name="ping", requests=(ping,), rate=PING_RATE),
    )
    on = requests[0].route if len(requests) == 1 else f"{len(requests)} workloads"
    return ServePlan(
        cell=Cell(
            label=_label(strategy, units, workloads, options),
            target=options.target,
            framework=framework.name,
            server=server.name,
            loop=_loop(options, server),
            strategy=strategy.name,
            workload=", ".join(workload.name for workload in workloads),
            workers=options.workers,
            threads=options.threads,
            load=f"{streams[0].words} on {on} + {streams[1].words} on {ping.route}",
        ),
        app=workloads_to_serve(
            target,
            units,
            framework=framework.name,
            interface=framework.interface,
            params=options.params,
            pool=options.pool,
            together=options.together,
        ),
        server=_server_options(options, server),
        streams=streams,
        duration_ns=options.duration_ns,
        required=frozenset(request.route for request in (*requests, ping)),
        cwd=options.cwd,
        port=options.port or 0,
        timeout_ns=options.timeout_ns,
        seed=options.seed,
        cpus=options.cpus,
        memory_bytes=options.memory_bytes,
    )


def _label(
    strategy: Strategy,
    units: Sequence[ServedUnit],
    workloads: Sequence[WorkloadInfo],
    options: ExplainOptions,
) -> str:
    """The strategy's name, and in brackets what it chose and how many of the workloads it can execute."""
    details = []
    if isinstance(strategy, Detailed):
        first = next(w for w in workloads if w.functions[0] == units[0].function)
        details.append(strategy.detail(first, pool=options.pool, together=options.together))
    if len(units) != len(workloads):
        details.append(f"{len(units)} of {len(workloads)}")
    return strategy.name + (f" ({', '.join(details)})" if details else "")


def plan_app(target: AppTarget, inspection: Inspection, options: ExplainOptions) -> ServePlan:
    """One plan that drives every route that can be driven.

    Raises:
        UsageError: a name among the options does not exist, or a request cannot be read.
    """
    server = _server(options, inspection.interface)
    given = [parse_request(text) for text in options.requests]
    requests, unmeasured, required = _drivable(inspection.routes, given)
    if not inspection.framework and not given:
        unmeasured += (OTHER_ROUTES,)
    users = options.users or APP_USERS
    stream = StreamPlan(
        name="app",
        requests=tuple(_with_headers(request, options) for request in requests),
        users=0 if options.rate else users,
        rate=options.rate or 0,
    )
    return ServePlan(
        cell=Cell(
            label=target.text,
            target=options.target,
            framework=inspection.framework,
            server=server.name,
            loop=_loop(options, server),
            workers=options.workers,
            threads=options.threads,
            load=stream.words,
        ),
        app=app_to_serve(target, inspection),
        server=_server_options(options, server),
        streams=(stream,) if requests else (),
        duration_ns=options.duration_ns,
        required=required,
        unmeasured=unmeasured,
        cwd=options.cwd,
        port=options.port or 0,
        timeout_ns=options.timeout_ns,
        seed=options.seed,
        cpus=options.cpus,
        memory_bytes=options.memory_bytes,
        notes=inspection.notes,
    )


def plan_script(target: ScriptTarget, options: ExplainOptions) -> ScriptPlan:
    """The script as it is, with its own arguments."""
    return ScriptPlan(
        cell=Cell(label=target.text, target=options.target, load="as the script makes it"),
        path=target.place.file,
        args=target.args,
        cwd=options.cwd,
        timeout_ns=options.timeout_ns,
        module=target.place.module if _runs_as_module(target, options) else "",
        folder=target.place.sys_path[0],
        cpus=options.cpus,
        memory_bytes=options.memory_bytes,
    )


def _runs_as_module(target: ScriptTarget, options: ExplainOptions) -> bool:
    """True for what was typed as a module, and for a file that could not import its package otherwise."""
    if not target.place.module:
        return False
    if not (options.cwd / target.text).exists():
        return True
    with open(target.place.file, "rb") as file:
        tree = ast.parse(file.read())
    return any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


def expectation_of(workloads: Sequence[WorkloadInfo]) -> str:
    """A workload's ground truth as a recording holds it; "" if it states none, or there are several."""
    workload, expect = workloads[0], workloads[0].expect
    if expect is None or len(workloads) > 1:
        return ""
    if not isinstance(expect, Blocks):
        return json.dumps({"kind": "clean"})
    with tokenize.open(workload.source) as file:
        source = file.read()
    return json.dumps(
        {
            "kind": "blocks",
            "at": expect.at,
            "cause": expect.cause,
            "convoy": expect.convoy,
            "path": workload.source,
            "line": find_line(source, expect.at),
        }
    )


def _units(
    workloads: Sequence[WorkloadInfo], framework: Framework, server: Server, options: ExplainOptions
) -> list[tuple[Strategy, tuple[ServedUnit, ...]]]:
    """What each strategy that applies to some workload executes; one with a native form only is awaited."""
    names = [strategy.name for strategy in STRATEGIES]
    for name in options.strategies:
        _checked(name, names, "strategy")
    wanted = [s for s in STRATEGIES if (s.name in options.strategies if options.strategies else s.default)]
    found = []
    reasons: dict[str, str] = {}
    for strategy in wanted:
        if reason := unsuited(strategy, framework, server):
            reasons[strategy.name] = reason
            continue
        units = [_unit(strategy, workload, framework, len(workloads) > 1) for workload in workloads]
        if any(unit is not None and unit.strategy == strategy.name for unit in units):
            found.append((strategy, tuple(unit for unit in units if unit is not None)))
        else:
            reasons[strategy.name] = strategy.applies(workloads[0], framework) or ""
    if not found:
        raise UsageError(
            f"No strategy applies to {', '.join(workload.name for workload in workloads)}",
            cause="; ".join(f"{name}: {reason}" for name, reason in reasons.items()),
            next_step="Choose others with --strategy, or another framework with --framework.",
            slug="no-strategy",
        )
    return found


def _unit(
    strategy: Strategy, workload: WorkloadInfo, framework: Framework, several: bool
) -> ServedUnit | None:
    used = strategy
    if strategy.applies(workload, framework) is not None:
        used = get_strategy("native")
        if workload.has_sync or used.applies(workload, framework) is not None:
            return None
    function = workload.functions[0]
    return ServedUnit(path=f"/work/{function}" if several else "/work", function=function, strategy=used.name)


def _check_params(workloads: Sequence[WorkloadInfo], options: ExplainOptions) -> None:
    accepted = {name for workload in workloads for name in workload.accepts}
    for name in options.params:
        if name not in accepted:
            near = difflib.get_close_matches(name, accepted, 1)
            raise UsageError(
                f"No workload takes a parameter {name!r}",
                cause=f"They take {', '.join(sorted(accepted)) or 'none'}.",
                next_step=f"Try: --param {(near or sorted(accepted) or ['name'])[0]}=VALUE",
                slug="no-param",
            )


def _server(options: ExplainOptions, interface: str) -> Server:
    fitting = servers_for(interface)
    if not options.server:
        return fitting[0]
    try:
        server = get_server(options.server)
    except KeyError:
        _checked(options.server, [server.name for server in SERVERS], "server")
        raise
    if interface not in server.interfaces:
        raise UsageError(
            f"{server.name} does not serve {interface.upper()} applications",
            cause=f"The application is a {interface.upper()} one, for {', '.join(s.name for s in fitting)}.",
            next_step=f"Try: --server {fitting[0].name}",
            slug="server-interface",
        )
    return server


def _server_options(options: ExplainOptions, server: Server) -> ServerOptions:
    return ServerOptions(
        server=server.name,
        loop=_loop(options, server) or "asyncio",
        workers=options.workers,
        threads=options.threads,
    )


def _loop(options: ExplainOptions, server: Server) -> str:
    if options.loop and options.loop not in server.loops:
        known = ", ".join(server.loops)
        raise UsageError(
            f"{server.name} does not run on the loop {options.loop}",
            cause=f"It runs on {known}." if known else "It has no event loop.",
            next_step=f"Try: --loop {server.loops[0]}" if known else "Leave --loop out.",
            slug="no-loop",
        )
    return options.loop or next(iter(server.loops), "")


def _checked(name: str, known: Iterable[str], what: str) -> str:
    names = list(known)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, 1)
    raise UsageError(
        f"There is no {what} {name!r}",
        cause=f"It is one of {', '.join(names)}.",
        next_step=f"Try: --{what} {(near or names)[0]}",
        slug=f"no-{what}",
    )


def _get(path: str, options: ExplainOptions) -> HttpRequest:
    return HttpRequest(route=f"GET {path}", method="GET", path=path, headers=options.headers)


def _with_headers(request: HttpRequest, options: ExplainOptions) -> HttpRequest:
    own = {name.lower() for name, _ in request.headers}
    more = tuple((name, value) for name, value in options.headers if name.lower() not in own)
    return dataclasses.replace(request, headers=request.headers + more)


def _drivable(
    routes: Sequence[RouteInfo], given: Sequence[HttpRequest]
) -> tuple[list[HttpRequest], tuple[Unmeasured, ...], frozenset[str]]:
    """Requests to send, routes that none fits, and the routes that the user asked for."""
    own = [
        dataclasses.replace(request, route=match_route(request, routes) or request.route) for request in given
    ]
    asked = frozenset(request.route for request in own)
    requests = own + [route.request for route in routes if route.request and route.label not in asked]
    unmeasured = tuple(
        Unmeasured(route=route.label, reason=route.reason)
        for route in routes
        if route.request is None and route.label not in asked
    )
    return requests, unmeasured, asked
