"""Frameworks that diag builds apps with and never meets in a target: such an app is told by other means."""

from __future__ import annotations

from typing import Literal

from diag.inspection import RouteInfo

Interface = Literal["asgi", "wsgi", "streams"]


class BuiltOnly:
    """Nothing in an app says that it was made so."""

    def detects(self, app: object) -> bool:  # noqa: ARG002  # others look at it
        """Never."""
        return False

    def interface_of(self, app: object) -> Interface:
        """It never detects one."""
        raise TypeError(f"{app!r} is not an app")

    def routes(self, app: object) -> tuple[RouteInfo, ...]:  # noqa: ARG002  # others look at it
        """None: a callable has no table of routes."""
        return ()
