"""What runs inside the target: exact step times, "busy since" words for the watcher, and nothing else.

Standard library only. It is installed by `diag.frameworks.hosted` in a server's worker, or around a
script by ``python -m diag.agent SCRIPT ARGS``. ``DIAG_AGENT=0`` in the environment switches it off.

How it sees a block:

* asyncio (`selector_loop`): `Handle._run` is replaced by a function that calls it and reads the clock once
  afterwards; the end of one step is the start of the next, and the return of the selector's `select` is the
  start of the first. So every step of an iteration is timed exactly, at one clock reading each.
* uvloop (`uv_loop`) runs its handles in C: what schedules a callback passes a timed call of it instead.
* a WSGI worker (`wsgi`) has no loop: its unit is the request.

While all is well nothing is written down. What leaves the process goes through files in the spool folder
(`diag.probes.spool` reads them): mapped words, served requests as fixed-size rows, and JSON lines for steps
of 0.8 ms or longer. The line that blocks is read from outside, by the watcher, from this process' memory
(`stacks` says what that needs, and what happens where it is refused).
"""

from __future__ import annotations

from diag.agent.asgi import wrap_asgi
from diag.agent.loops import install, uninstall
from diag.agent.streams import wrap_streams
from diag.agent.wsgi import wrap_wsgi

__all__ = ["install", "uninstall", "wrap_asgi", "wrap_streams", "wrap_wsgi"]
