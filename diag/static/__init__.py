"""Blocking calls found in source text, without importing or running any of it."""
