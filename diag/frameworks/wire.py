"""How an inspection travels from the child process: JSON, both directions beside each other."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from diag.inspection import Inspection, RouteInfo, WorkloadInfo
from diag.plan import HttpRequest
from diag.workload import Blocks, Clean


def encode(inspection: Inspection) -> dict[str, Any]:
    """As JSON can hold it."""
    fields = asdict(inspection)
    for route in fields["routes"]:
        if route["request"] is not None:
            route["request"]["body"] = base64.b64encode(route["request"]["body"]).decode("ascii")
    for workload, info in zip(fields["workloads"], inspection.workloads, strict=True):
        workload["expect"] = info.expect and [type(info.expect).__name__, asdict(info.expect)]
    return fields


def decode(fields: Mapping[str, Any]) -> Inspection:
    """The inverse of `encode`, after a journey through JSON."""
    return Inspection(
        **{
            **fields,
            "routes": tuple(_route(route) for route in fields["routes"]),
            "workloads": tuple(_workload(workload) for workload in fields["workloads"]),
            "notes": tuple(fields["notes"]),
        }
    )


def _route(fields: Mapping[str, Any]) -> RouteInfo:
    request = fields["request"]
    if request is not None:
        request = HttpRequest(
            **{
                **request,
                "headers": tuple((name, value) for name, value in request["headers"]),
                "body": base64.b64decode(request["body"]),
            }
        )
    return RouteInfo(**{**fields, "request": request})


def _workload(fields: Mapping[str, Any]) -> WorkloadInfo:
    expect: Blocks | Clean | None = None
    if fields["expect"]:
        name, values = fields["expect"]
        expect = Blocks(**values) if name == "Blocks" else Clean(**values)
    return WorkloadInfo(
        **{
            **fields,
            "functions": tuple(fields["functions"]),
            "accepts": tuple(fields["accepts"]),
            "expect": expect,
        }
    )


def dumps(message: Mapping[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message).encode() + b"\n"
