"""Two fixes of one file are made together, or the second has to wait."""

from __future__ import annotations

import itertools

import pytest
from remedy_cases import FILE, setting_of_text

from diag.finding import Cause, CauseShare, Confidence, Finding, Location, Severity
from diag.fixing.merging import Conflict, merged
from diag.remedies import propose

BASE = """\
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/a")
async def a():
    time.sleep(0.1)
    return 1


@app.get("/b")
async def b(rows):
    total = sum(row * row for row in rows)
    return total


@app.get("/c")
async def c(rows):
    return {"sum": sum(row + 1 for row in rows)}
"""


def after(line: int, function: str, cause: Cause, name: str) -> str:
    place = Location(path="module.py", absolute=FILE, line=line, function=function, text="")
    finding = Finding(
        rule="blocked-loop",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        title="GET /",
        location=place,
        causes=(CauseShare(cause=cause, ns=1),),
    )
    (remedy,) = propose([finding], setting_of_text(BASE), [name]).remedies
    return remedy.edits[0].after


SLEEP = after(10, "a", Cause.WAITING, "native")
POOL_B = after(16, "b", Cause.CPU_GIL, "process-pool")
POOL_C = after(22, "c", Cause.CPU_GIL, "process-pool")
THREAD_C = after(22, "c", Cause.CPU_NO_GIL, "to-thread")


def test_an_import_that_both_add_is_added_once():
    both = merged(BASE, SLEEP, THREAD_C)
    assert both.count("import asyncio\n") == 1
    assert "await asyncio.sleep(0.1)" in both
    assert "await asyncio.to_thread(sum, (row + 1 for row in rows))" in both


def test_the_order_of_fixes_does_not_change_what_the_file_does():
    for first, second in itertools.permutations((SLEEP, POOL_B, THREAD_C), 2):
        one, other = merged(BASE, first, second), merged(BASE, second, first)
        assert sorted(one.split("\n")) == sorted(other.split("\n"))


def test_more_imports_at_the_place_of_fewer_go_in_the_alphabets_order():
    both = merged(BASE, SLEEP, POOL_B)
    head = both.split("\n\n", maxsplit=1)[0].split("\n")
    assert head == sorted(head)
    assert len(head) == len(set(head))


def test_three_fixes_are_merged_one_after_the_other():
    every = merged(BASE, merged(BASE, SLEEP, POOL_B), THREAD_C)
    compile(every, "every.py", "exec")
    assert every.count("await ") == 3


def test_a_helper_that_both_fixes_define_is_defined_once():
    for both in (merged(BASE, POOL_B, POOL_C), merged(BASE, POOL_C, POOL_B)):
        assert both.count("def _process_pool():") == both.count("def _end_with_parent():") == 1
        assert both.count("@functools.cache") == 1
        assert both.count("run_in_executor(") == 2
        assert "\n\n\n\n" not in both


def test_two_changes_of_one_line_conflict():
    with pytest.raises(Conflict):
        merged(BASE, POOL_C, THREAD_C)


def test_a_change_merged_with_itself_or_with_nothing_stays():
    assert merged(BASE, SLEEP, SLEEP) == SLEEP
    assert merged(BASE, BASE, SLEEP) == SLEEP


def test_a_merge_that_is_not_python_conflicts():
    with pytest.raises(Conflict):
        merged("a = 1\nb = 2\nc = 3\n", "if a:\nb = 2\nc = 3\n", "a = 1\nb = 2\nc = 4\n")
