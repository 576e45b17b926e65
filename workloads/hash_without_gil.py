"""Hashing a password inside an async handler.

What blocks: PBKDF2, 350,000 rounds. Slow is what it is for.
Cause: on the CPU without the GIL: OpenSSL computes, and Python lets other threads run meanwhile.
Who suffers: every other request on the loop, because the loop's own thread is the one that computes.
What fixes it: a thread is enough here, because the GIL is free. See clean/hash_in_thread.py.
"""

import hashlib

import diag


@diag.workload(
    kind="cpu",
    params={"rounds": 350_000},
    expect=diag.Blocks(at='hashlib.pbkdf2_hmac("sha256"', cause="on-cpu-no-gil"),
)
def hash_without_gil(rounds: int) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", b"correct horse", b"battery staple", rounds)
    return digest.hex()
