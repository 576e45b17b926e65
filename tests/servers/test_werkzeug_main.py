"""What Werkzeug's development server can be told otherwise than its defaults."""

from __future__ import annotations

import logging
import sys
from types import ModuleType

import pytest
from werkzeug import serving

from diag.servers import werkzeug_main


@pytest.mark.parametrize(
    ("arguments", "backlog", "level"),
    [((), serving.LISTEN_QUEUE, logging.WARNING), (("--access-log", "--backlog=7"), 7, logging.INFO)],
)
def test_its_backlog_and_its_access_log_are_as_told(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], backlog: int, level: int
) -> None:
    hosted = ModuleType("diag.frameworks.hosted")
    hosted.application = object()
    served: list[tuple[object, ...]] = []
    monkeypatch.setitem(sys.modules, "diag.frameworks.hosted", hosted)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(serving, "run_simple", lambda *given, **_: served.append(given))
    monkeypatch.setattr(serving.BaseWSGIServer, "request_queue_size", serving.LISTEN_QUEUE)
    logger = logging.getLogger("werkzeug")
    before = logger.level
    try:
        werkzeug_main.main(["127.0.0.1", "8000", *arguments])
        assert (serving.BaseWSGIServer.request_queue_size, logger.level) == (backlog, level)
    finally:
        logger.setLevel(before)
    assert served == [("127.0.0.1", 8000, hosted.application)]
