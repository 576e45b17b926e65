"""A program behaves with the agent in it as it does without."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from watched import RUNNER, innermost, line_of, run, watch

PROGRAMS = {
    "what it knows of itself": """
        import sys, os
        print(__name__, __file__, __spec__, __package__, __doc__, type(__loader__).__name__, __annotations__)
        print(sys.argv, sys.path[0], os.getcwd(), sorted(globals()), sys.modules["__main__"].__dict__ is globals())
        print(sys.flags)
        """,
    "annotations are no strings": """
        from dataclasses import dataclass, fields
        @dataclass
        class Item:
            price: float
        print(fields(Item)[0].type)
        def f(x: int) -> str: ...
        print(f.__annotations__)
        """,
    "exit code": "import sys; sys.exit(3)",
    "exit message": "import sys; sys.exit('no luck')",
    "exit inside the loop": """
        import asyncio, sys
        async def main(): sys.exit(4)
        asyncio.run(main())
        """,
    "an exception": """
        def f(): raise ValueError("ü")
        f()
        """,
    "an exception inside the loop": """
        import asyncio
        async def main(): raise KeyError("x") from OSError("y")
        asyncio.run(main())
        """,
    "an exception from an exception": """
        try: 1 / 0
        except ZeroDivisionError: raise RuntimeError("again")
        """,
    "a syntax error": "def f(:\n    pass\n",
    "an interrupt": """
        import os, signal, time
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
        """,
    "an interrupt inside the loop": """
        import asyncio, os, signal
        async def main():
            os.kill(os.getpid(), signal.SIGINT)
            try:
                await asyncio.sleep(5)
            finally:
                print("tidied")
        asyncio.run(main())
        """,
    "an exit hook of its own": """
        import sys
        sys.excepthook = lambda *about: print("mine", about[0], about[1], flush=True)
        raise ValueError("x")
        """,
    "a hard exit": "import os; os._exit(7)",
    "death by a signal": "import os; os.abort()",
    "threads and exit functions": """
        import atexit, threading, time
        atexit.register(print, "at exit")
        threading.Thread(target=lambda: (time.sleep(0.1), print("thread done"))).start()
        print("main done")
        """,
    "a traceback": """
        import traceback
        def f(): return [frame.name for frame in traceback.extract_stack()][-2:]
        print(f())
        """,
    "pickling": """
        import pickle
        class Thing: pass
        print(type(pickle.loads(pickle.dumps(Thing()))) is Thing, Thing.__module__)
        """,
    "input": "import sys; print(sys.stdin.read(), input if not sys.stdin.readline() else None)",
    "a file beside it": "print(open('data.txt').read())",
    "warnings": "import warnings; warnings.warn('careful', stacklevel=1)",
    "processes of all kinds": """
        import multiprocessing, asyncio
        def square(x): return x * x
        def loop(x):
            async def main():
                await asyncio.sleep(0.01)
                return x
            return asyncio.run(main())
        if __name__ == "__main__":
            for kind in ("fork", "spawn", "forkserver"):
                with multiprocessing.get_context(kind).Pool(2) as pool:
                    print(kind, pool.map(square, [1, 2, 3]), pool.map(loop, [1, 2]))
        """,
    "a loop in debug mode": """
        import asyncio, logging
        async def main():
            print(repr(asyncio.get_running_loop().call_soon(print, "x")).partition(" at ")[0])
            await asyncio.sleep(0)
            print(asyncio.get_running_loop().get_debug())
        asyncio.run(main(), debug=True)
        """,
    "errors of loops": """
        import asyncio
        async def inner(): pass
        async def main():
            loop = asyncio.get_running_loop()
            for attempt in (loop.run_forever, lambda: asyncio.run(coroutine)):
                coroutine = inner()
                try: attempt()
                except RuntimeError as error: print(error)
                coroutine.close()
            await asyncio.sleep(0.01)
        asyncio.run(main())
        loop = asyncio.new_event_loop()
        loop.close()
        try: loop.run_forever()
        except RuntimeError as error: print(error)
        """,
    "loops of other kinds": """
        import asyncio, selectors
        class Mine(asyncio.SelectorEventLoop):
            def run_forever(self):
                print("mine runs")
                return super().run_forever()
        class Slotted(selectors.SelectSelector):
            def __setattr__(self, name, value):
                if name == "select": raise AttributeError(name)
                super().__setattr__(name, value)
        async def main(): await asyncio.sleep(0.02); print("done")
        for make in (Mine, lambda: asyncio.SelectorEventLoop(Slotted())):
            loop = make()
            loop.run_until_complete(main())
            loop.close()
        """,
    "context variables": """
        import asyncio, contextvars
        variable = contextvars.ContextVar("mine", default=0)
        async def child(): variable.set(variable.get() + 1); return variable.get()
        async def main():
            variable.set(5)
            print(await asyncio.gather(child(), child()), variable.get(), len(contextvars.copy_context()))
        asyncio.run(main())
        """,
    "fork inside the loop": """
        import asyncio, os, time
        async def main():
            await asyncio.sleep(0.02)
            pid = os.fork()
            if pid == 0:
                await asyncio.sleep(0.01)
                time.sleep(0.05)
                return "child"
            os.waitpid(pid, 0)
            return "parent"
        print(asyncio.run(main()), flush=True)
        """,
    "callbacks with manners of their own": """
        import asyncio, time
        from unittest.mock import MagicMock
        class Odd:
            def __getattr__(self, name): raise RuntimeError(name)
            def __call__(self): time.sleep(0.02)
        class Mocked(MagicMock):
            def __call__(self): time.sleep(0.02)
        async def main():
            loop = asyncio.get_running_loop()
            for callback in (Odd(), Mocked(), lambda: handle.cancel() or time.sleep(0.02)):
                handle = loop.call_soon(callback)
                await asyncio.sleep(0.01)
            print("still alive")
        asyncio.run(main())
        """,
    "all descriptors closed": """
        import asyncio, os, time
        os.closerange(3, 4096)
        files = [open(f"own{n}.txt", "w") for n in range(30)]
        async def main():
            for _ in range(3):
                time.sleep(0.02)
                await asyncio.sleep(0.01)
        asyncio.run(main())
        for file in files: file.write("mine"); file.close()
        print({open(f"own{n}.txt").read() for n in range(30)})
        """,
    "a standard library that is no longer standard": """
        import asyncio, json, os, time, struct
        sleep = time.sleep
        json.dumps = json.JSONEncoder.encode = None
        time.monotonic_ns = time.thread_time_ns = lambda: 1 / 0
        real_write, real_pread = os.write, os.pread
        os.write = os.pread = lambda *a: 1 / 0
        async def main():
            for _ in range(3):
                sleep(0.02)
                await asyncio.sleep(0.01)
        asyncio.run(main())
        print("still alive")
        """,
    "deep recursion": """
        import asyncio, sys
        def depth(n):
            try: return depth(n + 1)
            except RecursionError: return n
        async def main():
            await asyncio.sleep(0)
            print(depth(0) > sys.getrecursionlimit() - 50)
        asyncio.run(main())
        """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_what_it_does_without_the_agent(tmp_path: Path, name: str) -> None:
    (tmp_path / "data.txt").write_text("data")
    (tmp_path / "program.py").write_text(dedent(PROGRAMS[name]))
    command = [str(tmp_path / "program.py"), "--flag", "ärgument"]
    plain = _run(command, tmp_path, {})
    spool = tmp_path / "spool"
    spool.mkdir()
    watched = _run([RUNNER, *command], tmp_path, {"DIAG_SPOOL": str(spool)})
    assert list(spool.glob("*.words")), "the agent was not in it"
    assert watched == plain


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
    done = run(command, folder, {"PYTHONIOENCODING": "utf-8", **environment}, stdin="typed\n")
    return done.returncode, done.stdout, done.stderr


def test_a_module_runs_as_python_m_runs_it(tmp_path: Path) -> None:
    package = tmp_path / "tool"
    package.mkdir()
    (package / "__init__.py").write_text("print('package', __name__)")
    (package / "part.py").write_text("print('part', __name__)")
    (package / "__main__.py").write_text(
        "import sys\nfrom . import part\n"
        "print(__name__, __package__, __spec__.name, __file__, sys.argv, sys.path[0])\nraise ValueError\n"
    )
    plain = _run(["-m", "tool", "x"], tmp_path, {})
    watched = _run([RUNNER, "-m", str(tmp_path), "tool", "x"], tmp_path, {"DIAG_SPOOL": str(tmp_path)})
    assert watched[:2] == plain[:2]
    assert watched[2].splitlines()[-3:] == plain[2].splitlines()[-3:]  # without runpy's own frames
    single = _run([RUNNER, "-m", str(tmp_path), "tool.part"], tmp_path, {"DIAG_SPOOL": str(tmp_path)})
    assert single == (0, "package tool\npart __main__\n", "")


def test_a_source_file_of_another_encoding_runs(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_bytes("# coding: latin-1\nprint('gr\xfc\xdfe')\n".encode("latin-1"))
    assert _run([RUNNER, "program.py"], tmp_path, {"DIAG_SPOOL": str(tmp_path)}) == (0, "grüße\n", "")


WANTS_THE_SIGNAL = """
    import asyncio, json, os, signal, socket, time
    left, right = socket.socketpair()
    left.setblocking(False)
    signal.set_wakeup_fd(left.fileno(), warn_on_full_buffer=False)
    got = []

    async def main():
        for _ in range(3):
            time.sleep(0.03)
            await asyncio.sleep(0.01)
        signal.signal(signal.SIGURG, lambda *about: got.append(about[0]))
        for _ in range(3):
            time.sleep(0.03)
            await asyncio.sleep(0.01)
        assert got == [], got
        os.kill(os.getpid(), signal.SIGURG)
        assert got == [signal.SIGURG], got

    loop = asyncio.SelectorEventLoop()
    loop.run_until_complete(main())
    signal.set_wakeup_fd(-1)
    right.setblocking(False)
    print(right.recv(100) == bytes([signal.SIGURG]))
    """


def test_a_program_gets_no_signal_but_its_own(tmp_path: Path) -> None:
    watched = watch(tmp_path, WANTS_THE_SIGNAL)
    assert (watched.returncode, watched.stdout, watched.stderr) == (0, "True\n", "")
    assert watched.slugs == []
    long = [step for step in watched.steps if step.end_ns - step.start_ns > 25_000_000]
    assert [bool(watched.stacks_of(step)) for step in long] == [True] * 6


def test_a_program_that_wants_the_signal_gets_it_where_stacks_are_asked_for(tmp_path: Path) -> None:
    watched = watch(tmp_path, WANTS_THE_SIGNAL, memory=False)
    assert (watched.returncode, watched.stderr) == (0, "")
    assert watched.slugs == ["signal-taken"]
    long = [step for step in watched.steps if step.end_ns - step.start_ns > 25_000_000]
    assert [bool(watched.stacks_of(step)) for step in long] == [True, True, True, False, False, False]


def test_the_signal_taken_by_a_loop_is_left_alone(tmp_path: Path) -> None:
    source = """
    import asyncio, os, signal, time
    got = []
    async def main():
        asyncio.get_running_loop().add_signal_handler(signal.SIGURG, got.append, 1)
        await asyncio.sleep(0.05)
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGURG)
        await asyncio.sleep(0.05)
    asyncio.run(main())
    print(got)
    """
    assert watch(tmp_path, source).stdout == "[1]\n"
    watched = watch(tmp_path, source, memory=False)
    assert (watched.stdout, watched.slugs) == ("[1]\n", ["signal-taken"])


def test_a_program_that_computes_survives_being_watched(tmp_path: Path) -> None:
    """Calls from C into Python are where a walk of the frames from a signal handler would meet garbage."""
    source = """
    import asyncio, time

    class Point:
        def __init__(self, x): self.x = x

    async def main():
        end = time.monotonic() + 3
        while time.monotonic() < end:
            sum(x * x for x in range(100_000))
            sum(map(lambda x: x + 1, range(100_000)))
            sorted(range(50_000), key=lambda x: -x)
            [Point(x) for x in range(50_000)]
            await asyncio.sleep(0)
        print("survived")

    asyncio.run(main())
    """
    for memory in (True, False):
        watched = watch(tmp_path, source, memory=memory)
        assert (watched.returncode, watched.stdout) == (0, "survived\n")
        assert len(watched.seen.stacks) > 50


def test_strange_names_are_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "grüße 'quoted' \U0001f40d"
    folder.mkdir()
    source = """
    import asyncio, time
    def größe():
        time.sleep(0.05)  # HERE
    async def main():
        await asyncio.sleep(0.1)
        größe()
    asyncio.run(main())
    """
    watched = watch(folder, source)
    (step,) = [step for step in watched.steps if step.end_ns - step.start_ns > 40_000_000]
    (stack, *_) = watched.stacks_of(step)
    assert innermost(stack, watched.path) == line_of(watched.path)
    assert "größe" in {frame.function for frame in stack.frames}


def test_a_child_process_is_not_taken_for_the_program(tmp_path: Path) -> None:
    source = """
    import asyncio, subprocess, sys
    async def main():
        code = "import asyncio, os; print('DIAG_SPOOL' in os.environ)"
        subprocess.run([sys.executable, "-c", code])
    asyncio.run(main())
    """
    watched = watch(tmp_path, source)
    assert watched.stdout == "True\n"
    assert len({lane.pid for lane in watched.seen.lanes}) == 1


def test_a_forked_process_is_watched_as_one_of_its_own(tmp_path: Path) -> None:
    source = """
    import asyncio, multiprocessing, time
    def work():
        async def main():
            await asyncio.sleep(0.1)
            time.sleep(0.05)  # HERE
        asyncio.run(main())
    async def main():
        await asyncio.sleep(0.1)
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        while process.is_alive():
            await asyncio.sleep(0.01)
    asyncio.run(main())
    """
    watched = watch(tmp_path, source)
    assert watched.returncode == 0, watched.stderr
    assert len({lane.pid for lane in watched.seen.lanes}) == 2
    long = [step for step in watched.steps if 40_000_000 < step.end_ns - step.start_ns < 90_000_000]
    assert [set(watched.lines_of(step)) for step in long] == [{line_of(watched.path)}]


def test_the_program_survives_a_full_or_vanished_spool(tmp_path: Path) -> None:
    source = (
        "import asyncio, time\nasync def main():\n" + "    time.sleep(0.003); await asyncio.sleep(0)\n" * 50
    )
    (tmp_path / "program.py").write_text(source + "asyncio.run(main())\nprint('alive')")
    spool = tmp_path / "spool"
    spool.mkdir()
    limited = (
        f"import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000));"
        f"os.environ['DIAG_SPOOL'] = {str(spool)!r};"
        f"os.execv(sys.executable, [sys.executable, {RUNNER!r}, 'program.py'])"
    )
    done = run(["-c", limited], tmp_path, {})
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")
    remover = f"import shutil; shutil.rmtree({str(spool)!r})\n"
    (tmp_path / "program.py").write_text(remover + source + "asyncio.run(main())\nprint('alive')")
    done = run([RUNNER, "program.py"], tmp_path, {"DIAG_SPOOL": str(spool)})
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")


def test_a_program_on_a_full_memory_disk_is_not_killed(tmp_path: Path) -> None:
    """What a container with a small /dev/shm does: a write to a mapped page there would be SIGBUS."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=False, capture_output=True
    )
    source = (
        "import asyncio, time\nasync def main():\n" + "    time.sleep(0.003); await asyncio.sleep(0)\n" * 300
    )
    (tmp_path / "program.py").write_text(source + "asyncio.run(main())\nprint('alive')")
    try:
        if mounted.returncode:  # not root: the limit of a file's size is what can be had
            return
        done = run([RUNNER, "program.py"], tmp_path, {"DIAG_SPOOL": str(small)})
        assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")
        assert sum(file.stat().st_size for file in small.iterdir()) > 50_000, "it was not full"
    finally:
        subprocess.run(["umount", str(small)], check=False, capture_output=True)
