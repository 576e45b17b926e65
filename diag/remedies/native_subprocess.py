"""``subprocess.run`` and its like become ``await asyncio.create_subprocess_exec``."""

from __future__ import annotations

import ast

from diag.remedies.calls import carry_renamed
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Site, calls_on_line
from diag.remedies.text import NotPossibleError

BY_HAND = (
    "Make the function an `async def` and write in it `process = await asyncio.create_subprocess_exec("
    "*command, stdout=asyncio.subprocess.PIPE)` and `output, _ = await process.communicate()`."
)

_STARTS = (
    "Starting a program still holds the loop for a moment: one that is needed often is better started once "
    "and talked to."
)
_COMMON = frozenset({"args", "stdout", "stderr", "stdin", "cwd", "env", "timeout"})
_TEXT = frozenset({"text", "input", "encoding"})
_CALLS = {
    "subprocess.run": _COMMON | _TEXT | {"check", "capture_output"},
    "subprocess.call": _COMMON,
    "subprocess.check_call": _COMMON,
    "subprocess.check_output": (_COMMON | _TEXT) - {"stdout"},
}

_RUN = '''
async def {name}(
    args, *, check=False, capture_output=False, text=False, input=None, encoding=None, timeout=None, **options
):
    """`subprocess.run`, awaited."""
    if capture_output:
        options |= {{"stdout": {subprocess}.PIPE, "stderr": {subprocess}.PIPE}}
    if input is not None:
        options["stdin"] = {subprocess}.PIPE
    encoding = encoding or ("utf-8" if text else None)
    command = [args] if isinstance(args, str) else args
    process = await {asyncio}.create_subprocess_exec(*command, **options)
    sent = input.encode(encoding) if encoding and input is not None else input
    try:
        out, err = await {asyncio}.wait_for(process.communicate(sent), timeout)
    except BaseException as error:
        if process.returncode is None:
            process.kill()
            await process.wait()
        if isinstance(error, TimeoutError):
            raise {subprocess}.TimeoutExpired(args, timeout) from None
        raise
    if encoding:
        texts = [None if one is None else one.decode(encoding) for one in (out, err)]
        out, err = (one and one.replace("\\r\\n", "\\n").replace("\\r", "\\n") for one in texts)
    if check and process.returncode:
        raise {subprocess}.CalledProcessError(process.returncode, args, out, err)
    return {subprocess}.CompletedProcess(args, process.returncode, out, err)
'''


def finds(site: Site) -> ast.Call | None:
    """The program's start on a site's line."""
    return next((one for one in calls_on_line(site) if site.source.resolved(one.func) in _CALLS), None)


def changes(rewrite: Rewrite, site: Site) -> tuple[str, tuple[str, ...]]:
    """Await the program's end."""
    for call in calls_on_line(site):
        name = site.source.resolved(call.func)
        if name in _CALLS:
            _check(call, _CALLS[name])
            _await(rewrite, site, call, name.rpartition(".")[2])
    return "asyncio.create_subprocess_exec", (_STARTS,)


def _check(call: ast.Call, known: frozenset[str]) -> None:
    if len(call.args) > 1 or any(one.arg is None for one in call.keywords):
        raise NotPossibleError("its arguments are not all given by name")
    if any(isinstance(one, ast.Starred) for one in call.args):
        raise NotPossibleError("its arguments are unpacked")
    for keyword in call.keywords:
        if keyword.arg == "shell":
            raise NotPossibleError(
                "it runs a shell, which has a form of its own: asyncio.create_subprocess_shell"
            )
        if keyword.arg not in known:
            raise NotPossibleError(
                f"its argument {keyword.arg} is not one that asyncio takes in the same way"
            )


def _await(rewrite: Rewrite, site: Site, call: ast.Call, name: str) -> None:
    source = site.source
    run = rewrite.define_once(
        "_run_awaited", _RUN, asyncio=rewrite.module("asyncio"), subprocess=rewrite.module("subprocess")
    )
    if name == "run":
        carry_renamed(rewrite, call, run)
        return
    extra = {
        "call": "",
        "check_call": ", check=True",
        "check_output": f", check=True, stdout={rewrite.module('subprocess')}.PIPE",
    }[name]
    part = "stdout" if name == "check_output" else "returncode"
    carry_renamed(rewrite, call, run, extra=extra, part=part)
    source.segment(call)
