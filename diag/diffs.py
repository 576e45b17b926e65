"""Unified diffs as ``git apply`` takes them. Standard library only."""

from __future__ import annotations

import difflib
import re


def lines(text: str) -> list[str]:
    r"""A text's lines with their ends.

    Not `str.splitlines`: that also splits at form feeds and their like, which neither Python nor git counts.
    """
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def unified(shown: str, before: str, after: str) -> str:
    """What ``git apply`` takes to turn one text into another; "" if they are the same.

    Args:
        shown: the file's path, relative to where the diff is applied.
        before: the text as it is.
        after: the text as it shall be.
    """
    name = f"{shown}\t" if " " in shown else shown  # where a name with a space ends
    found = difflib.unified_diff(lines(before), lines(after), f"a/{name}", f"b/{name}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found
    )
