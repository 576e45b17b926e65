"""Settings that gunicorn reads from here (``--config``); names that an older gunicorn lacks are ignored."""

from __future__ import annotations

control_socket_disable = True  # it would be created in the user's home folder
loglevel = "warning"
errorlog = "-"
accesslog = None
graceful_timeout = 2
