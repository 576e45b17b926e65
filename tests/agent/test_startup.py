"""Where a start that awaits in vain hangs: every way in which one coroutine awaits another is followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from diag.agent import startup


async def innermost() -> None:
    await asyncio.Event().wait()  # it hangs here


async def nested() -> None:
    await innermost()


class Awaitable:
    def __await__(self) -> Generator[Any, None, None]:
        return innermost().__await__()


class ByGenerator:
    def __await__(self) -> Generator[Any, None, None]:
        yield from innermost().__await__()


async def own_await() -> None:
    await Awaitable()


async def by_generator() -> None:
    await ByGenerator()


async def numbers() -> AsyncIterator[int]:
    await innermost()
    yield 1


async def iterating() -> None:
    async for _ in numbers():
        pass


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    await innermost()
    yield


async def managed() -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(lifespan())


@pytest.mark.parametrize("start", [nested, own_await, by_generator, iterating, managed])
def test_the_line_is_found_however_deep_it_lies(start: Any) -> None:
    async def main() -> list[tuple[str, int, str]]:
        task = asyncio.create_task(start())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        lines = startup.awaited(task.get_coro())
        task.cancel()
        return lines

    lines = asyncio.run(main())
    own = [line for line in lines if line[0] == __file__]
    assert own[0][2] == start.__name__
    assert own[-1] == (__file__, innermost.__code__.co_firstlineno + 1, "innermost")


def test_nothing_is_told_of_a_server_that_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        startup._tell(asyncio.get_running_loop(), str(tmp_path))

    (tmp_path / startup.ANSWERED).touch()
    asyncio.run(main())
    assert [path.name for path in tmp_path.iterdir()] == [startup.ANSWERED]
    (tmp_path / startup.ANSWERED).unlink()
    asyncio.run(main())
    assert [path.name.startswith(startup.HANGS) for path in tmp_path.iterdir()] == [True]


def test_a_program_that_is_no_server_of_diags_gets_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(startup.READY, raising=False)

    async def main() -> int:
        loop = asyncio.get_running_loop()
        startup.watch(loop)
        return len(loop._scheduled)  # type: ignore[attr-defined]

    assert asyncio.run(main()) == 0
