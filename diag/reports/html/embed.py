"""Data and scripts put into a page so that nothing in them can get out of its element."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def as_json(value: Any) -> str:
    r"""JSON for a ``<script type="application/json">``: ASCII, and no letter that means anything in HTML.

    So neither ``</script>`` nor ``<!--`` can be in it, nor U+2028, nor a bidirectional mark.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for letter, escape in _ESCAPES.items():
        text = text.replace(letter, escape)
    return text


def content_hash(text: str) -> str:
    """What a content security policy calls an inline script or style by."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def policy(*, script: str, style: str) -> str:
    """A content security policy under which nothing is loaded, and nothing runs but one script.

    Args:
        script: the text of the page's only script.
        style: the text of its only style sheet.
    """
    rules = {
        "default-src": "'none'",
        "script-src": content_hash(script),
        "style-src": content_hash(style),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
