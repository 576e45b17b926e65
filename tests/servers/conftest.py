"""Servers for tests: started as diag starts them, and always ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from served import Start

from diag.plan import ServedApp, ServerOptions
from diag.servers.process import ServerProcess, start_server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server in a folder of its own; `stop` is called at the end."""
    with ExitStack() as stack:

        def started(app: ServedApp, options: ServerOptions, **more: Any) -> ServerProcess:
            folder = tmp_path / uuid.uuid4().hex[:8]
            folder.mkdir()
            more = {"run_id": uuid.uuid4().hex, "cwd": tmp_path, "timeout_s": 30.0, **more}
            return stack.enter_context(start_server(app, options, folder=folder, **more))

        yield started
