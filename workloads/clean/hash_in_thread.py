"""Hashing a password in a thread: the counterpart of ../hash_without_gil.py.

Why it is clean: OpenSSL gives the GIL back while it computes, so the loop's thread runs beside it.
Why a thread of its own, and one only: more threads that compute than cores to compute on leave the loop
    without a core, and a thread that loses its core while it holds the GIL stops the loop.
"""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor

import diag

POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hash")


@diag.workload(
    kind="cpu",
    params={"rounds": 350_000},
    expect=diag.Clean(because="another thread hashes, and it does not hold the GIL meanwhile"),
)
async def hash_in_thread(rounds: int) -> str:
    digest = await asyncio.get_running_loop().run_in_executor(
        POOL, hashlib.pbkdf2_hmac, "sha256", b"correct horse", b"battery staple", rounds
    )
    return digest.hex()
