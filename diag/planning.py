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
from diag.frameworks.inspect import app_to_serve, workload_to_serve
from diag.frameworks.requests import match_route, parse_request
from diag.plan import HttpRequest, ScriptPlan, ServePlan, ServerOptions, StreamPlan
from diag.recording import Cell, Unmeasured
from diag.servers import SERVERS, get_server, servers_for
from diag.strategies import STRATEGIES
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

APP_USERS = 10
PING_RATE = 50.0

OTHER_ROUTES = Unmeasured(
    route="other routes",
    reason="are not known: diag cannot ask an app of this framework; name them with --request 'GET /path'",
)
"""Beside ``GET /``, where the app's framework is not known."""
"""Innocent requests per second: one in 20 ms sees every block of 20 ms, and costs an app nothing."""


def plan_workload(
    target: WorkloadTarget, workload: WorkloadInfo, options: ExplainOptions
) -> tuple[ServePlan, ...]:
    """One plan a strategy; the first is the one that the verdict is about.

    Raises:
        UsageError: a name among the options does not exist, or no strategy applies.
    """
    framework = get_framework(_checked(options.framework or "fastapi", FRAMEWORKS, "framework"))
    strategies = _strategies(workload, framework, options)
    server = _server(options, framework.interface)
    users = options.users or workload.users or WORK_USERS
    streams = (
        StreamPlan(
            name="work",
            requests=(_get("/work", options),),
            users=0 if options.rate else users,
            rate=options.rate or 0,
        ),
        StreamPlan(name="ping", requests=(_get("/ping", options),), rate=PING_RATE),
    )
    return tuple(
        ServePlan(
            cell=Cell(
                label=strategy.name,
                target=options.target,
                framework=framework.name,
                server=server.name,
                loop=_loop(options, server),
                strategy=strategy.name,
                workload=workload.name,
                workers=options.workers,
                threads=options.threads,
                load=" + ".join(f"{stream.words} on {stream.requests[0].route}" for stream in streams),
            ),
            app=workload_to_serve(
                target,
                workload,
                framework=framework.name,
                interface=framework.interface,
                strategy=strategy.name,
                params=options.params,
            ),
            server=_server_options(options, server),
            streams=streams,
            duration_ns=options.duration_ns,
            required=frozenset({"GET /work", "GET /ping"}),
            cwd=options.cwd,
            port=options.port or 0,
            timeout_ns=options.timeout_ns,
            seed=options.seed,
        )
        for strategy in strategies
    )


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


def expectation_of(workload: WorkloadInfo) -> str:
    """A workload's ground truth as a recording holds it; "" if it states none."""
    expect = workload.expect
    if expect is None:
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


def _strategies(
    workload: WorkloadInfo, framework: Framework, options: ExplainOptions
) -> tuple[Strategy, ...]:
    names = [strategy.name for strategy in STRATEGIES]
    for name in options.strategies:
        _checked(name, names, "strategy")
    wanted = [s for s in STRATEGIES if not options.strategies or s.name in options.strategies]
    reasons = {strategy.name: strategy.applies(workload, framework) for strategy in wanted}
    applying = tuple(strategy for strategy in wanted if reasons[strategy.name] is None)
    if not applying:
        raise UsageError(
            f"No strategy applies to the workload {workload.name}",
            cause="; ".join(f"{name}: {reason}" for name, reason in reasons.items()),
            next_step="Choose others with --strategy, or another framework with --framework.",
            slug="no-strategy",
        )
    return applying


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
