"""Where an HTTP/1.x response ends: an incremental scanner that keeps no body and touches no socket.

Framing follows RFC 9112, section 6.3. A client library would build header objects that nobody reads;
a load generator needs the status, the body's size, and whether the connection can be used again.
"""

from __future__ import annotations

import re

MAX_HEAD = 64 * 1024
"""A head longer than this is malformed (nginx and gunicorn stop at 8 KiB a line)."""
MAX_LINE = 4 * 1024
"""The same for a chunk-size line or a trailer."""

_HEAD_END = re.compile(rb"\n\r?\n")  # a bare LF may end a line: RFC 9112, 2.2
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\n]*)?\r?")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?")

_HEAD, _FIXED, _CHUNK_LINE, _CHUNK_DATA, _CHUNK_END, _TRAILER, _UNTIL_CLOSE, _DONE = range(8)


class MalformedResponseError(ValueError):
    """The bytes are not an HTTP/1.x response; the message says where."""


class ResponseScanner:
    """Follows one response through any chunking of its bytes."""

    __slots__ = (
        "_buffer",
        "_head_request",
        "_left",
        "_state",
        "body_bytes",
        "excess",
        "head",
        "keep_alive",
        "status",
    )

    def __init__(self, *, head_request: bool = False) -> None:
        """Expect the response to one request; the answer to HEAD has no body whatever its head says."""
        self._buffer = b""
        self._head_request = head_request
        self._left = 0
        self._state = _HEAD
        self.status = 0
        self.body_bytes = 0
        self.keep_alive = False
        """Whether the connection may carry another request; known with the head."""
        self.excess = False
        """Whether bytes came behind the end: the response counts, the connection is not reused."""
        self.head: bytes | None = None
        """The head without its final empty line, if its bytes alone tell how long the response is."""

    @property
    def done(self) -> bool:
        """Whether the response is complete."""
        return self._state == _DONE

    @property
    def total(self) -> int:
        """Bytes of the whole response, for one whose `head` is known."""
        return len(self.head or b"") + 4 + self.body_bytes + (self._left if self._state == _FIXED else 0)

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; say whether the response is complete.

        Raises MalformedResponseError.
        """
        data = self._buffer + data
        self._buffer = b""
        while data and self._state != _DONE:
            rest = self._step(data)
            if rest is None:
                self._buffer = data
                break
            data = rest
        if self._state == _DONE and data:
            self.excess = True
            self.keep_alive = False
        return self._state == _DONE

    def feed_eof(self) -> bool:
        """Take the end of the stream; say whether the response is complete with it."""
        if self._state == _UNTIL_CLOSE:
            self._state = _DONE
        return self._state == _DONE

    def _step(self, data: bytes) -> bytes | None:
        """Take one element off the front; give the rest, or None if the element is not complete yet."""
        if self._state == _HEAD:
            return self._scan_head(data)
        if self._state == _CHUNK_LINE:
            return self._scan_chunk_line(data)
        if self._state == _CHUNK_END:
            return self._scan_chunk_end(data)
        if self._state == _TRAILER:
            return self._scan_trailer(data)
        taken = len(data) if self._state == _UNTIL_CLOSE else min(len(data), self._left)
        self.body_bytes += taken
        if self._state != _UNTIL_CLOSE:
            self._left -= taken
            if not self._left:
                self._state = _DONE if self._state == _FIXED else _CHUNK_END
        return data[taken:]

    def _scan_head(self, data: bytes) -> bytes | None:
        end = _HEAD_END.search(data, 0, MAX_HEAD)
        if end is None:
            if len(data) >= MAX_HEAD:
                msg = f"a head of more than {MAX_HEAD} bytes"
                raise MalformedResponseError(msg)
            if not b"HTTP/1.".startswith(data[:7]):
                # Garbage is known by its first bytes: it need not be waited for.
                msg = f"expected a status line, got {data[:40]!r}"
                raise MalformedResponseError(msg)
            return None
        lines = data[: end.start()].split(b"\n")
        status = _STATUS.fullmatch(lines[0])
        if status is None:
            msg = f"expected a status line, got {lines[0][:40]!r}"
            raise MalformedResponseError(msg)
        self.status = int(status[2])
        rest = data[end.end() :]
        if self.status < 200 and self.status != 101:
            return rest  # interim: the final response follows
        self._frame(lines[1:], persistent=status[1] == b"1")
        exact = end.group() == b"\n\r\n" and data[: end.start()].endswith(b"\r")
        if exact and self.keep_alive and self._state in (_FIXED, _DONE):
            self.head = data[: end.start() - 1]
        return rest

    def _frame(self, lines: list[bytes], *, persistent: bool) -> None:
        """Decide from the header lines how the body ends (RFC 9112, 6.3)."""
        length: int | None = None
        encoding = b""
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon and line[:1] not in b" \t":
                msg = f"expected a header, got {line[:40]!r}"
                raise MalformedResponseError(msg)
            name = name.lower()
            if name == b"content-length":
                length = _agreed_length(length, value)
            elif name == b"transfer-encoding":
                encoding = value.strip().lower()
            elif name == b"connection":
                options = [option.strip() for option in value.lower().split(b",")]
                persistent = (persistent or b"keep-alive" in options) and b"close" not in options
        self.keep_alive = persistent
        if self._head_request or self.status in (101, 204, 304):
            self._state = _DONE
            self.keep_alive = persistent and self.status != 101
        elif encoding == b"chunked" or encoding.endswith((b",chunked", b", chunked")):
            self._state = _CHUNK_LINE
        elif encoding or length is None:
            self._state = _UNTIL_CLOSE
            self.keep_alive = False
        else:
            self._left = length
            self._state = _FIXED if length else _DONE

    def _line(self, data: bytes) -> int:
        end = data.find(b"\n", 0, MAX_LINE)
        if end < 0 and len(data) >= MAX_LINE:
            msg = f"a chunk or trailer line of more than {MAX_LINE} bytes"
            raise MalformedResponseError(msg)
        return end

    def _scan_chunk_line(self, data: bytes) -> bytes | None:
        end = self._line(data)
        if end < 0:
            return None
        size = _CHUNK_SIZE.fullmatch(data, 0, end)
        if size is None:
            msg = f"expected a chunk size, got {data[: min(end, 40)]!r}"
            raise MalformedResponseError(msg)
        self._left = int(size[1], 16)
        self._state = _CHUNK_DATA if self._left else _TRAILER
        return data[end + 1 :]

    def _scan_chunk_end(self, data: bytes) -> bytes | None:
        if data == b"\r":
            return None
        end = 2 if data[:2] == b"\r\n" else 1 if data[:1] == b"\n" else 0
        if not end:
            msg = f"expected the end of a chunk, got {data[:40]!r}"
            raise MalformedResponseError(msg)
        self._state = _CHUNK_LINE
        return data[end:]

    def _scan_trailer(self, data: bytes) -> bytes | None:
        end = self._line(data)
        if end < 0:
            return None
        if data[:end] in (b"", b"\r"):
            self._state = _DONE
        return data[end + 1 :]


def _agreed_length(before: int | None, value: bytes) -> int:
    """Read a Content-Length; equal repetitions are allowed, different ones are an attack or a bug."""
    parts = [part.strip() for part in value.split(b",")]
    lengths = {int(part) if part.isdigit() and len(part) < 19 else -1 for part in parts}
    if before is not None:
        lengths.add(before)
    if len(lengths) > 1 or -1 in lengths:
        msg = f"expected one Content-Length, got {value[:40]!r}"
        raise MalformedResponseError(msg)
    return lengths.pop()
