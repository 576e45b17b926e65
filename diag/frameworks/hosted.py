"""The module that servers load: ``diag.frameworks.hosted:application``.

It works on import, unlike all others, because that is what a server does with it: every worker imports it
and takes its `application`.
"""

from __future__ import annotations

from diag.frameworks.serving import load

application = load()
