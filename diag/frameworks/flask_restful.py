"""Flask-RESTful: a resource class a route, on Flask."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

from diag.frameworks import missing
from diag.frameworks.flask import FlaskFramework


class FlaskRestfulFramework(FlaskFramework):
    """The handler is the `get` of a resource, whose answer Flask-RESTful represents as JSON."""

    name = "flask-restful"

    def unavailable(self) -> str | None:
        """See `diag.frameworks.Framework`."""
        return super().unavailable() or missing("flask_restful", "'diag[frameworks]'")

    def detects(self, app: object) -> bool:  # noqa: ARG002  # others look at it
        """Never: an app of the target's is Flask's, whatever its views are."""
        return False

    def build(self, handlers: Mapping[str, Callable[[], object]]) -> object:
        """See `diag.frameworks.Framework`."""
        from flask import Flask  # noqa: PLC0415  # only where an app is built

        restful = importlib.import_module("flask_restful")
        app = Flask("diag_workload", static_folder=None)
        api = restful.Api(app)

        def ping() -> dict[str, bool]:
            return {"pong": True}

        for number, (path, handler) in enumerate({**handlers, "/ping": ping}.items()):

            def get(_resource: object, handler: Callable[[], object] = handler) -> object:
                return handler()

            api.add_resource(type(f"Resource{number}", (restful.Resource,), {"get": get}), path)
        return app


FRAMEWORK = FlaskRestfulFramework()
