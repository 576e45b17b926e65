"""`process-pool`: what computes while holding the GIL is done in another process, which has a GIL of its own.

The function travels by name, and its arguments and its result are pickled. So the function has to be one of
a module's top level: where it is not, the expression or the loop is taken out into one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from diag.remedies.calls import Carrier, carry, needs_parentheses
from diag.remedies.case import Case
from diag.remedies.extraction import extract, loop_around
from diag.remedies.mutation import mutated
from diag.remedies.rewriting import Rewrite, local_names
from diag.remedies.sites import Host, Site, blocking_calls, described, serious_inside
from diag.remedies.text import Function, NotPossibleError, Source, awaits, dotted, own_nodes
from diag.remedies.workload_files import delegate
from diag.remedy import Move, Refusal, Remedy

NAME = "process-pool"

_END = '''
def {name}():
    """In a process of the pool: end when the one that made it does, however that ended."""
    parent = {multiprocessing}.parent_process()
    {threading}.Thread(target=lambda: parent.join() or {os}._exit(0), daemon=True).start()
'''

_POOL = '''
@{functools}.cache
def {name}():
    """Processes for computing, each with a GIL of its own; all are started at once."""
    # "spawn": a forked process would inherit this one's locks, threads and sockets.
    spawn = {multiprocessing}.get_context("spawn")
    pool = {futures}.ProcessPoolExecutor({size}, mp_context=spawn, initializer={end})
    for _ in range({size}):
        pool.submit({os}.getpid)
    return pool
'''
_WORLD = "The first call starts the processes; each of them imports this module, and needs its memory."
_PICKLES = "Arguments and result travel pickled; what they cannot carry fails when it is called."
_COPIES = "The function works on copies: what it changes in its arguments, or in the module, stays there."
_UNPICKLABLE = frozenset(
    {"self", "cls", "request", "websocket", "session", "db", "conn", "connection", "cursor"}
)


def propose(case: Case) -> Iterator[Remedy | Refusal]:
    """The computing in a pool of processes, or why a machine should not write it."""
    if not (case.computes and case.on_loop) or case.site is None:
        return
    try:
        yield _in_process(case, case.site)
    except NotPossibleError as reason:
        yield case.refused(
            NAME,
            reason,
            "Put what computes into a function at the module's top level that takes and returns plain data, "
            "and `await loop.run_in_executor(pool, that_function, ...)`, with one pool of processes for all.",
        )


def _in_process(case: Case, site: Site) -> Remedy:
    if case.setting.target_kind == "script" and not _guarded(site.source):
        raise NotPossibleError(
            'the script has no `if __name__ == "__main__":`, so each process would run it once more'
        )
    rewrite = case.rewrite("the computing is done in another process, with a GIL of its own")
    modules = {name: rewrite.module(name) for name in ("multiprocessing", "os", "threading")}
    end = rewrite.define_once("_end_with_parent", _END, **modules)
    name = rewrite.define_once(
        "_process_pool",
        _POOL,
        **modules,
        end=end,
        functools=rewrite.module("functools"),
        futures=rewrite.module("concurrent.futures"),
        size=str(case.setting.cores),
    )
    opening = f"{rewrite.module('asyncio')}.get_running_loop().run_in_executor({name}(), "
    if site.host is Host.WORKLOAD:
        delegate(rewrite, site.function, f"{opening}{{}})", keywords=False)
        moved = f"{site.function.name}()"
    else:
        moved = _move(rewrite, site, opening)
    return case.changed(
        NAME,
        rewrite,
        title=f"{moved} in a process pool",
        move=Move.PROCESS,
        pool=case.setting.cores,
        why="another process has a GIL of its own",
        caveats=(_WORLD, _PICKLES, _COPIES),
    )


def _guarded(source: Source) -> bool:
    """Whether a script runs nothing when it is imported, as every process of a pool does."""
    return any(
        isinstance(one, ast.If)
        and any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(one.test))
        for one in source.tree.body
    )


def _move(rewrite: Rewrite, site: Site, opening: str) -> str:
    """A call that can travel as it is; otherwise a loop or an expression, taken out."""
    loop = loop_around(site) if site.own else None

    def render(function: str, names: Sequence[str]) -> str:
        stuck = sorted(set(names) & _UNPICKLABLE)
        if stuck:
            raise NotPossibleError(f"it needs {stuck[0]}, which cannot be sent to another process")
        return f"await {opening}{', '.join([function, *names])})"

    if loop is not None:
        return f"{extract(rewrite, site, loop, render, copies=True)}()"
    calls = blocking_calls(site)
    for call in calls:
        if not serious_inside(site, call) and _travels(site, call):
            carry(rewrite, site, call, Carrier(opening=opening, keywords=False), closures=False)
        else:
            _take_out(rewrite, site, call, render)
    return described(calls[0])


def _take_out(rewrite: Rewrite, site: Site, call: ast.Call, render: object) -> None:
    source = rewrite.source
    if len(blocking_calls(site)) > 1:
        raise NotPossibleError(
            "the line makes several such calls, with arguments that cannot be sent as they are"
        )
    _refuse_methods(call)
    wrap = needs_parentheses(source, call)

    def in_place(function: str, names: Sequence[str]) -> str:
        assert callable(render)
        text = str(render(function, names))
        return f"({text})" if wrap else text

    extract(rewrite, site, call, in_place, copies=True)


def _travels(site: Site, call: ast.Call) -> bool:
    """Whether a call's function is found by name in another process, and its arguments look like data."""
    name = dotted(call.func)
    head = name.partition(".")[0]
    local = local_names(site.function)
    if (
        site.lazy
        or not name
        or head in local
        or not all(map(_is_data, (*call.args, *(k.value for k in call.keywords))))
    ):
        return False
    own = site.source.definition(name)
    if own is not None:
        _check_function(own)
        return True
    return head in site.source.origins and not _is_object(site, call)


def _is_object(site: Site, call: ast.Call) -> bool:
    """``module.name.method``: a method of an object, which would be pickled with it."""
    resolved = site.source.resolved(call.func)
    return resolved.count(".") > 1 and any(part[:1].isupper() for part in resolved.split(".")[:-1])


def _is_data(value: ast.expr) -> bool:
    return not any(isinstance(node, ast.Lambda | ast.GeneratorExp) for node in ast.walk(value))


def _check_function(function: Function) -> None:
    if function.decorator_list:
        raise NotPossibleError(f"{function.name} is decorated, so it may not be found by its name elsewhere")
    if awaits(function):
        raise NotPossibleError(f"{function.name} awaits or yields")
    arguments = function.args
    changed = mutated(function) & {
        one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    }
    if changed:
        raise NotPossibleError(f"{function.name} changes its {min(changed)}, and would change a copy of it")
    for node in own_nodes(function):
        if isinstance(node, ast.Global):
            raise NotPossibleError(
                f"{function.name} changes {node.names[0]} of the module, which another process would not see"
            )


def _refuse_methods(call: ast.Call) -> None:
    for node in ast.walk(call):
        if isinstance(node, ast.Name) and node.id in ("self", "cls"):
            raise NotPossibleError(
                f"it needs {node.id}, and an object would have to be pickled with all it holds"
            )
