"""For all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("noisy", deadline=None)  # a busy machine is no failure
settings.load_profile("noisy")

# A shell without job control starts what runs in its background with SIGINT ignored, and so would be all that
# tests start and then interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
