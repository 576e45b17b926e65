"""Installed load generators that diag can use in place of its own: one file a tool."""

from __future__ import annotations

from diag.load.external import Tool
from diag.load.tools.ab import ApacheBench
from diag.load.tools.h2load import H2load
from diag.load.tools.wrk import Wrk

TOOLS: tuple[Tool, ...] = (ApacheBench(), Wrk(), H2load())

__all__ = ["TOOLS", "get_tool"]


def get_tool(name: str) -> Tool:
    """The tool of that name.

    Raises:
        KeyError: there is none; its argument lists the names there are.
    """
    for tool in TOOLS:
        if tool.name == name:
            return tool
    raise KeyError(f"{name!r} is not one of {', '.join(tool.name for tool in TOOLS)}")
