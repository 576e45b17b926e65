"""A regular expression without nested repeats: the counterpart of ../regex_backtracking.py.

Why it is clean: `[a-z]*!` accepts the same texts, and can split letters in one way only.
"""

import re

import diag

PATTERN = re.compile("[a-z]*!")


@diag.workload(
    kind="cpu",
    params={"letters": 21},
    expect=diag.Clean(because="the pattern has one repeat, so it needs time in proportion to the text"),
)
async def regex_linear(letters: int) -> bool:
    text = "a" * letters
    return PATTERN.match(text) is not None
