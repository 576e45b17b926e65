"""uvicorn's gunicorn worker with a loop of one's choice; imported by gunicorn alone."""

from __future__ import annotations

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker  # type: ignore[import-untyped]


class AsyncioWorker(UvicornWorker):  # type: ignore[misc]  # it has no types
    """On asyncio's own loop."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {"loop": "asyncio", "http": "auto"}


class UvloopWorker(UvicornWorker):  # type: ignore[misc]  # it has no types
    """On uvloop."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {"loop": "uvloop", "http": "auto"}
