"""Tests watched from inside their own process: which of them held an event loop, how long, why, and where."""
