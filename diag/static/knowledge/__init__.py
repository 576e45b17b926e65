"""Which calls block: the standard library's, and those of packages, read when first asked for."""

from __future__ import annotations

from diag.static.knowledge.effects import Effect
from diag.static.knowledge.lookup import Knowledge

__all__ = ["Effect", "Knowledge"]
