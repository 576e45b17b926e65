"""Makes the app that a server loads, from what the environment says.

Runs inside the target's process: standard library only, besides the target's own framework.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

from diag.frameworks import get_framework
from diag.frameworks.loading import find_app, import_module
from diag.frameworks.workloads import Unit, find_workloads
from diag.hosting import CAPACITY, READY, SERVE, SPOOL, from_json
from diag.own_code import own_traceback
from diag.plan import ServedApp
from diag.strategies import get_strategy
from diag.strategies.forms import Forms, Handler


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
    handlers = {
        unit.path: _handler(_named(found, unit.function), unit.strategy, served.params)
        for unit in served.units
    }
    return get_framework(served.framework).build(handlers)


def _handler(unit: Unit, strategy: str, params: Mapping[str, object]) -> Handler:
    accepted = {name: value for name, value in params.items() if name in unit.info.accepts}
    forms = Forms(sync=unit.forms.sync, native=unit.forms.native, params={**unit.forms.params, **accepted})
    return get_strategy(strategy).handler(forms)


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
