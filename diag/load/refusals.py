"""How requests failed and connections were refused, over all streams, in words."""

from __future__ import annotations

from diag.load.records import ErrorCode
from diag.load.result import LoadResult

_REFUSALS = (
    ErrorCode.CONNECT_REFUSED,
    ErrorCode.CONNECT_RESET,
    ErrorCode.CONNECT_TIMEOUT,
    ErrorCode.RESET,
    ErrorCode.PREMATURE_CLOSE,
)


def refused(result: LoadResult, unopened: int) -> list[tuple[int, str]]:
    """Connections that were refused or cut off, by how: a count, and a phrase with it.

    Args:
        result: of the load.
        unopened: connections that could not be opened before it began.
    """
    counts = _error_counts(result)
    found = [(counts[code], f"{counts[code]:,} {code.words}") for code in _REFUSALS if code in counts]
    if unopened:
        found.append((unopened, f"{unopened:,} could not be opened before the load began"))
    return found


def error_words(result: LoadResult) -> list[str]:
    """How many requests failed how, a sentence each."""
    return [f"{count:,} requests {code.words}." for code, count in _error_counts(result).items()]


def _error_counts(result: LoadResult) -> dict[ErrorCode, int]:
    counts: dict[ErrorCode, int] = {}
    for stream in result.streams:
        for code, count in stream.errors.items():
            counts[code] = counts.get(code, 0) + count
    return dict(sorted(counts.items()))
