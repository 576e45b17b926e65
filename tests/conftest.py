"""For all tests."""

from __future__ import annotations

import os
import signal
import tempfile

from hypothesis import settings

settings.register_profile("noisy", deadline=None)  # a busy machine is no failure
settings.load_profile("noisy")

# A shell without job control starts what runs in its background with SIGINT ignored, and so would be all that
# tests start and then interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What a check keeps for the next one is neither taken from the user's folder nor left there.
_cache = tempfile.TemporaryDirectory(prefix="diag-tests-cache-")
os.environ["XDG_CACHE_HOME"] = _cache.name
