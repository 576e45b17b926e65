"""The generator's process: `python -m diag.load.process`.

On standard input: one line of JSON (`LoadSpec`), then `start`, and `stop` (a second `stop` also ends
the waiting for answers). The end of the input means that the parent has died: exit at once.

On standard output: one JSON object a line, with `event` one of

- `connected`: `wanted` and `opened` connections, `notes`
- `started`: `monotonic_ns`
- `done`: `summary`
- `failed`: `reason`; the process then ends with status 1
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys

from diag.load import limits
from diag.load.generator import Generator
from diag.load.spec import LoadSpec

_PARENT_DIED = 3


def main() -> int:
    """Read a spec, make its load, and tell what happened; give the exit status."""
    # Ctrl-C goes to the whole group; the parent decides what it means for the load.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line, rest = _first_line()
    try:
        spec = LoadSpec.from_json(line)
        limits.ensure_descriptors(spec)
        limits.sharpen_timers()
        note = limits.pin(spec.cpu)
        generator = Generator(spec)
        session = _Session(generator, [note] if note else [], rest)
    except (ValueError, limits.LimitError, OSError) as error:
        _tell(event="failed", reason=str(error))
        return 1
    # Nothing here makes reference cycles by the request; a collection would show as latency.
    gc.collect()
    gc.freeze()
    gc.disable()
    return session.run()


class _Session:
    """The conversation with the parent."""

    def __init__(self, generator: Generator, notes: list[str], rest: bytes) -> None:
        self._generator = generator
        self._notes = notes
        self._buffer = rest
        self._connected = False
        self._started = False
        self._stops = 0
        generator.watch(0, self._on_input)

    def run(self) -> int:
        self._generator.prepare(self._on_prepared)
        self._generator.run()
        summary = self._generator.close()
        if not self._connected:
            return 1
        _tell(event="done", summary=summary)
        return 0

    def _on_prepared(self) -> None:
        generator = self._generator
        missing = generator.wanted - generator.opened
        error = generator.last_error
        why = f"; the last {error.words}" if error else ""
        if missing and not generator.opened:
            _tell(event="failed", reason=f"none of {missing} connections could be opened{why}")
            generator.finish()
            return
        if missing:
            self._notes.append(f"{missing} of {generator.wanted} connections were not open at the start{why}")
        self._connected = True
        _tell(event="connected", wanted=generator.wanted, opened=generator.opened, notes=self._notes)
        self._obey()

    def _on_input(self) -> None:
        data = os.read(0, 4096)
        if not data:
            self._generator.recorder.flush()
            os._exit(_PARENT_DIED)
        self._buffer += data
        self._obey()

    def _obey(self) -> None:
        while self._connected and b"\n" in self._buffer:
            command, _, self._buffer = self._buffer.partition(b"\n")
            if command == b"start" and not self._started:
                self._started = True
                _tell(event="started", monotonic_ns=self._generator.start())
            elif command == b"stop":
                self._stops += 1
                self._generator.stop()
                if self._stops > 1:
                    self._generator.finish()


def _first_line() -> tuple[str, bytes]:
    """Read a line without reading past what has come: what follows must stay visible to the poller."""
    data = b""
    while b"\n" not in data:
        more = os.read(0, 65_536)
        if not more:
            sys.exit(_PARENT_DIED)
        data += more
    line, _, rest = data.partition(b"\n")
    return line.decode("utf-8", "replace"), rest


def _tell(**event: object) -> None:
    left = json.dumps(event, separators=(",", ":")).encode() + b"\n"
    try:
        while left:
            left = left[os.write(1, left) :]
    except BrokenPipeError:
        os._exit(_PARENT_DIED)


if __name__ == "__main__":
    sys.exit(main())
