"""What the standard library had before gevent's monkey patching: the agent has to block for real."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def original(module: str, name: str) -> Any:
    """An attribute of a standard library's module as it was before gevent replaced it, if gevent did."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None:
        return monkey.get_original(module, name)
    return getattr(importlib.import_module(module), name)


def threads_are_greenlets() -> bool:
    """True if gevent has replaced threads, so that what serves requests are greenlets on a hub."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))
