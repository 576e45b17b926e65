"""Line numbers read from location tables are those that the interpreter itself gives."""

from __future__ import annotations

import ast
import asyncio.base_events
import inspect
import json.decoder
import typing
from collections.abc import Iterator
from types import CodeType, ModuleType

import pytest

from diag.probes.linetable import line_at


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


@pytest.mark.parametrize("module", [ast, asyncio.base_events, inspect, json.decoder, typing])
def test_every_instruction_has_the_line_that_the_interpreter_gives_it(module: ModuleType) -> None:
    path = str(module.__file__)
    with open(path, encoding="utf-8") as file:
        whole = compile(file.read(), path, "exec")
    wrong = [
        (code.co_name, offset)
        for code in _codes(whole)
        for start, end, line in code.co_lines()
        for offset in range(start, end, 2)
        if line_at(code.co_linetable, code.co_firstlineno, offset) != (line or 0)
    ]
    assert not wrong


def test_an_offset_behind_the_last_instruction_has_no_line() -> None:
    code = _codes.__code__
    assert line_at(code.co_linetable, code.co_firstlineno, 1_000_000) == 0
