"""The inspecting child: ``python -m diag.frameworks.inspect_child ORDER``, ORDER being JSON.

It answers with one line of JSON on a pipe of its own, so that the user's prints cannot spoil it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import sys
from types import ModuleType
from typing import Any

from diag.frameworks import detect
from diag.frameworks.loading import AppNotFoundError, find_app, import_module
from diag.frameworks.wire import dumps, encode
from diag.frameworks.workloads import find_workloads
from diag.frameworks.wrappers import unwrapped
from diag.inspection import Inspection, RouteInfo
from diag.own_code import own_traceback
from diag.plan import HttpRequest


def main(order: dict[str, Any]) -> None:
    """Import, look, answer.

    Args:
        order: ``kind``, ``module``, ``file``, ``sys_path``, ``attribute``, ``factory``, ``pipe`` and
            ``hang`` (file descriptors), ``shown`` (what the user calls the module), ``timeout_s``.
    """
    pipe = int(order["pipe"])
    os.set_inheritable(pipe, False)  # what the user's code starts must not hold the pipe open
    os.set_inheritable(int(order["hang"]), False)
    sys.argv[:] = [order["file"] or order["module"]]  # a module that reads its arguments finds none
    # A C thread without the GIL: it gets through whatever the user's code does.
    faulthandler.dump_traceback_later(order["timeout_s"], file=int(order["hang"]), exit=True)
    answer = _answer(order)
    faulthandler.cancel_dump_traceback_later()
    with contextlib.suppress(Exception):  # the user's code may have closed or replaced it
        sys.stdout.flush()
    with os.fdopen(pipe, "wb") as out:
        out.write(dumps(answer))
    os._exit(0)  # threads and exit handlers of the user's code are of no interest


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    try:
        module = import_module(module=order["module"], file=order["file"], sys_path=order["sys_path"])
        inspection = _workloads(module) if order["kind"] == "workload" else _app(module, order)
        return {"inspection": encode(inspection)}
    except AppNotFoundError as error:
        return {"error": "no-app", "what": error.what, "cause": error.cause, "next_step": error.next_step}
    except SystemExit as error:
        return {"error": "exit", "code": str(error.code), "traceback": own_traceback(error, order["roots"])}
    except BaseException as error:  # noqa: BLE001  # whatever the user's code raises is their answer
        return {
            "error": "import",
            "type": type(error).__name__,
            "missing": error.name if isinstance(error, ModuleNotFoundError) else "",
            "message": str(error),
            "traceback": own_traceback(error, order["roots"]),
        }


def _workloads(module: ModuleType) -> Inspection:
    units = find_workloads(module)
    return Inspection(file=module.__file__ or "", workloads=tuple(unit.info for unit in units))


def _app(module: ModuleType, order: dict[str, Any]) -> Inspection:
    found = find_app(module, order["attribute"], factory=order["factory"], shown=order["shown"])
    inner = unwrapped(found.app)
    framework = detect(inner)
    if framework is None:
        label = "GET /"
        request = HttpRequest(route=label, method="GET", path="/")
        routes: tuple[RouteInfo, ...] = (RouteInfo(label=label, method="GET", path="/", request=request),)
        notes: tuple[str, ...] = (
            "The app's framework is not known, so only GET / is driven, and what --request gives.",
        )
    else:
        by_label: dict[str, RouteInfo] = {}
        for route in framework.routes(inner):
            by_label.setdefault(route.label, route)  # a second one of that name is never reached
        routes, notes = tuple(by_label.values()), ()
    return Inspection(
        interface=found.interface,
        framework=framework.name if framework else "",
        attribute=found.attribute,
        factory=found.factory,
        file=getattr(module, "__file__", None) or "",
        routes=routes,
        notes=notes,
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
