"""Flask with `async def` views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from diag.frameworks import missing
from diag.frameworks.flask import FlaskFramework, flask_app


class FlaskAsyncFramework(FlaskFramework):
    """Each request is run on a thread and an event loop made for it, and its worker waits: see asgiref.

    So what awaits overlaps within its request, never with another request of the same worker.
    """

    name = "flask-async"
    handlers: tuple[Literal["async", "def"], ...] = ("async",)

    def unavailable(self) -> str | None:
        """See `diag.frameworks.Framework`."""
        return super().unavailable() or missing("asgiref", "'diag[frameworks]'")

    def detects(self, app: object) -> bool:  # noqa: ARG002  # others look at it
        """Never: an app of the target's is Flask's, whatever its views are."""
        return False

    def build(self, handlers: Mapping[str, Callable[[], object]]) -> object:
        """See `diag.frameworks.Framework`."""

        async def ping() -> dict[str, bool]:
            return {"pong": True}

        return flask_app({**handlers, "/ping": ping})


FRAMEWORK = FlaskAsyncFramework()
