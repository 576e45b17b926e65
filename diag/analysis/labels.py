"""What cells are called beside each other: what they differ in tells them apart, the rest is said once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diag.recording import Cell

_DIMENSIONS = ("target", "framework", "server", "loop", "strategy", "workers", "threads", "load")


def varying_of(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Dimensions in which cells differ; the server's name is always said with its loop."""
    found = tuple(name for name in _DIMENSIONS if len({getattr(cell, name) for cell in cells}) > 1)
    return found or ("strategy" if cells[0].strategy else "server",)


def label_of(cell: Cell, varying: Iterable[str]) -> str:
    """What tells a cell from others that vary so."""
    words = {
        "workers": f"{cell.workers} workers",
        "threads": f"{cell.threads} threads",
        "loop": f"({cell.loop})" if cell.loop else "",
    }
    parts = [words.get(name, str(getattr(cell, name))) for name in varying]
    return " ".join(part for part in parts if part) or cell.label


def common_of(cell: Cell, varying: Sequence[str]) -> str:
    """What a cell shares with others that vary so, in words."""
    loop = f" ({cell.loop})" if cell.loop and "loop" not in varying else ""
    words = {
        "framework": cell.framework,
        "server": cell.server + loop,
        "strategy": cell.strategy,
        "workers": f"{cell.workers} worker{'' if cell.workers == 1 else 's'}",
        "threads": f"{cell.threads} threads" if cell.threads else "",
        "load": cell.load,
    }
    return ", ".join(text for name, text in words.items() if text and name not in varying)
