"""A `threading.Lock` that another thread holds, taken inside an async handler.

What blocks: `with CACHE_LOCK:` waits until the thread that refreshes the cache has finished.
Cause: waiting.
Who suffers: every other request, also those that never touch the cache.
What fixes it: an `asyncio.Lock`, which waits without holding the loop, where all who take it live on one
    loop; otherwise a thread that takes the lock. See clean/asyncio_lock.py.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import diag

CACHE_LOCK = threading.Lock()
REFRESHER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refresh")


def start_refresh(seconds: float) -> None:
    """Let another thread hold the lock for a while.

    The lock is taken here and released there, so that it is held for certain when the handler comes.
    """
    if CACHE_LOCK.acquire(blocking=False):
        REFRESHER.submit(refresh, seconds)


def refresh(seconds: float) -> None:
    time.sleep(seconds)
    CACHE_LOCK.release()


@diag.workload(
    kind="io",
    params={"seconds": 0.06},
    expect=diag.Blocks(at="with CACHE_LOCK:", cause="waiting"),
)
def lock_contention(seconds: float) -> str:
    start_refresh(seconds)
    with CACHE_LOCK:
        return "fresh"
