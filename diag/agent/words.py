"""The layout of the mapped words, in 8-byte units: written in the target, read by `diag.probes.words`."""

from __future__ import annotations

import signal

MAGIC = 0x32474149444747
HEADER_WORDS = 16
H_MAGIC, H_PID, H_WATCHED, H_DROPPED, H_TELLS = range(5)
H_CAPACITY, H_PERMITTED, H_READABLE, H_ASKED, H_ASKED_AT = range(5, 10)
"""`H_WATCHED` is the watcher's process id, `H_READABLE` its answer on whether it may read stacks from memory,
`H_TELLS` is 1 while this process tells a stack when it gets the signal, `H_ASKED` the lane that is meant, and
`H_ASKED_AT` when the signal went out, 0 once it was answered."""

READS, ASKS = 1, 2
"""Values of `H_READABLE`."""

LANE_WORDS = 16
L_TID, L_KIND, L_BUSY_SINCE, L_ITERATIONS, L_STEPS, L_BUSY, L_DROPPED, L_STATE, L_SINCE_AT = range(9)
"""`L_SINCE_AT` is the address of the variable that holds since when the lane is busy, where the watcher reads
it from memory; 0 where it is in `L_BUSY_SINCE`, which costs more at each step than all else does."""

MAX_LANES = 256
KIND_ASYNCIO, KIND_UVLOOP, KIND_WORKER, KIND_GEVENT = 1, 2, 3, 4

SERVED_WORDS = 4
"""Thread id (0 on a loop), the client's port, start, end (0 where only the start was seen)."""

SIZE = (HEADER_WORDS + MAX_LANES * LANE_WORDS) * 8

SLOW_NS = 800_000
"""Steps from here on are written down one by one: 1 ms, and a margin so that none of 1 ms is missed."""

STACK_SIGNAL = signal.SIGURG
CANARY_NS = 50_000_000
