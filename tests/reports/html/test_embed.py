"""Data in a page cannot leave its element, and only the page's own script may run."""

from __future__ import annotations

import base64
import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from diag.reports.html.embed import as_json, policy


@given(st.text())
def test_nothing_in_it_means_anything_to_html(text: str) -> None:
    """And it is the same when it is read."""
    written = as_json({text: [text]})
    assert json.loads(written) == {text: [text]}
    assert written.isascii()
    assert not set("<>&\u2028") & set(written)


def test_the_policy_names_script_and_style() -> None:
    """By what they are, so that another is refused."""
    found = dict(rule.split(" ", 1) for rule in policy(script="a", style="b").split("; "))
    assert found["default-src"] == "'none'"
    assert found["script-src"] == f"'sha256-{base64.b64encode(hashlib.sha256(b'a').digest()).decode()}'"
    assert "unsafe" not in str(found)
