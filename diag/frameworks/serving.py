"""Makes the app that a server loads, from what the environment says.

Runs inside the target's process: standard library only, besides the target's own framework.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable
from typing import Any

from diag.frameworks import get_framework
from diag.frameworks.loading import find_app, import_module
from diag.frameworks.workloads import Unit, find_workloads
from diag.hosting import CAPACITY, READY, SERVE, SPOOL, from_json
from diag.own_code import own_traceback
from diag.plan import ServedApp
from diag.strategies import get_strategy
from diag.strategies.forms import Forms


def load() -> object:
    """The app for this process; it is watched by the agent where there is a spool folder."""
    served = from_json(os.environ[SERVE])
    try:
        app = _build(served)
    except BaseException as error:
        _report("failed", own_traceback(error, served.sys_path))
        raise
    app = _watched(app, served.interface) if os.environ.get(SPOOL) else app
    _report("loaded", "")
    return app


def _build(served: ServedApp) -> object:
    if os.environ.get(SPOOL):
        _agent().install()
    module = import_module(module=served.module, file=served.file, sys_path=served.sys_path)
    if served.kind == "app":
        return find_app(module, served.attribute, factory=served.factory).app
    found = find_workloads(module)
    framework = get_framework(served.framework)
    return framework.build(
        {
            unit.path: get_strategy(unit.strategy).handler(
                _forms(_named(found, unit.function), served, on_loop="async" in framework.handlers)
            )
            for unit in served.units
        }
    )


def _forms(unit: Unit, served: ServedApp, *, on_loop: bool) -> Forms:
    accepted = {name: value for name, value in served.params.items() if name in unit.info.accepts}
    return Forms(
        sync=unit.forms.sync,
        native=unit.forms.native,
        params={**unit.forms.params, **accepted},
        on_loop=on_loop,
        pool=served.pool,
        together=served.together,
        elsewhere=functools.partial(synchronous_form, served, unit.info.functions[0]),
    )


def synchronous_form(served: ServedApp, function: str) -> Callable[..., object]:
    """A workload's synchronous form, made anew in a process that has not loaded it: of a pool, say.

    Raises:
        LookupError: the file has no such workload.
    """
    module = import_module(module=served.module, file=served.file, sys_path=served.sys_path)
    form = _named(find_workloads(module), function).forms.sync
    if form is None:
        raise LookupError(f"{function} has no synchronous form")
    return form


def _named(units: tuple[Unit, ...], name: str) -> Unit:
    for unit in units:
        if unit.info.functions[0] == name:
            return unit
    raise LookupError(
        f"no workload {name!r}; there are {', '.join(u.info.functions[0] for u in units) or 'none'}"
    )


def _watched(app: object, interface: str) -> object:
    if interface == "wsgi":
        return _agent().wrap_wsgi(app, int(os.environ.get(CAPACITY, "0")))
    if interface == "streams":
        return _agent().wrap_streams(app)
    return _agent().wrap_asgi(app)


def _agent() -> Any:  # a module
    """The agent, imported only where something is to be watched."""
    return importlib.import_module("diag.agent")


def _report(what: str, text: str) -> None:
    folder = os.environ.get(READY)
    if not folder:
        return
    path = os.path.join(folder, f"{what}-{os.getpid()}")
    with open(f"{path}.part", "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    os.replace(f"{path}.part", path)
