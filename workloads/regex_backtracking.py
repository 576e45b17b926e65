"""A regular expression that backtracks, inside an async handler.

What blocks: `([a-z]+)*!` can split 21 letters in a million ways, and tries all of them before it says
    that there is no exclamation mark. One more letter doubles the time: input that a stranger chooses can
    stop the server for hours.
Cause: on the CPU, holding the GIL.
Who suffers: every other request, and every other thread.
What fixes it: a pattern without nested repeats, not a thread. See clean/regex_linear.py.
"""

import re

import diag

PATTERN = re.compile("([a-z]+)*!")


@diag.workload(
    kind="cpu",
    params={"letters": 21},
    expect=diag.Blocks(at="PATTERN.match(text)", cause="on-cpu-gil"),
)
def regex_backtracking(letters: int) -> bool:
    text = "a" * letters
    return PATTERN.match(text) is not None
