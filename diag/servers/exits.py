"""How a process ended, in words."""

from __future__ import annotations

import signal


def describe_exit(returncode: int) -> str:
    """How a process ended, in words."""
    if returncode >= 0:
        return f"exited with code {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    hint = " (out of memory?)" if returncode == -signal.SIGKILL else ""
    return f"died of {name}{hint}"
