"""A lock that is awaited: the counterpart of ../lock_contention.py.

Why it is clean: who finds an `asyncio.Lock` taken is put aside, and the loop serves others until it is
    released.
"""

import asyncio

import diag

CACHE_LOCK = asyncio.Lock()


async def refresh(seconds: float) -> None:
    async with CACHE_LOCK:
        await asyncio.sleep(seconds)


@diag.workload(
    kind="io",
    params={"seconds": 0.06},
    expect=diag.Clean(because="the lock is awaited, so the loop serves others meanwhile"),
)
async def asyncio_lock(seconds: float) -> str:
    refreshing = asyncio.create_task(refresh(seconds))
    await asyncio.sleep(0)  # the refresh begins, and has the lock or waits in line for it
    async with CACHE_LOCK:
        answer = "fresh"
    await refreshing
    return answer
