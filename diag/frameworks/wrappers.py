"""Looks through middleware at the app inside."""

from __future__ import annotations

from diag.frameworks import detect

# Where common middleware keeps the app that it wraps: Starlette's, Sentry's, socket.io's, a2wsgi's …
_ATTRIBUTES = (
    "app",
    "_app",
    "wsgi_app",
    "application",
    "other_asgi_app",
    "asgi_application",
    "wrapped",
    "inner",
)
_MAX_DEPTH = 10


def unwrapped(app: object) -> object:
    """The innermost app of a known framework, or the app itself if none is found inside."""
    inner = app
    for _ in range(_MAX_DEPTH):
        if detect(inner) is not None:
            return inner
        found = next(
            (getattr(inner, name) for name in _ATTRIBUTES if callable(getattr(inner, name, None))), None
        )
        if found is None:
            return app
        inner = found
    return app
