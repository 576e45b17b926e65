"""How the recording's values lie in tables: each table's columns are its value's fields."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from diag import recording

SCHEMA_VERSION = 3
OLDEST_VERSION = 1
"""The oldest that is still read."""

APPLICATION_ID = int.from_bytes(b"diag", "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of rows that belong to runs.

    Attributes:
        name: of the table.
        value: the dataclass whose fields are its columns (besides ``run_id``).
        attribute: the field of `Run` that holds its rows.
        json: columns that hold one JSON text.
        frames: columns that hold a JSON array of frame ids.
        booleans: columns that hold 0, 1 or NULL.
        signed: integer columns that may be negative.
        ordered: pairs of columns of which the second is never smaller.
        since: the schema version that it came with.
    """

    name: str
    value: type
    attribute: str
    json: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    booleans: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    ordered: tuple[tuple[str, str], ...] = ()
    since: int = 1

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns, without ``run_id``."""
        return columns_of(self.value)

    @property
    def texts(self) -> frozenset[str]:
        """Columns of free text."""
        return frozenset(field.name for field in fields(self.value) if field.type in ("str", str))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns of integers that are never negative."""
        return tuple(
            field.name
            for field in fields(self.value)
            if field.type in ("int", int, "int | None") and field.name not in self.signed
        )


def columns_of(value: type[Any]) -> tuple[str, ...]:
    """Names of a dataclass' fields, in order."""
    return tuple(field.name for field in fields(value))


_SPAN = (("start_ns", "end_ns"),)

LANES = Table(name="lane", value=recording.Lane, attribute="lanes")
TOTALS = Table(name="lane_totals", value=recording.LaneTotals, attribute="totals")
STEPS = Table(name="step", value=recording.Step, attribute="steps", json=("waiters",), ordered=_SPAN)
STACKS = Table(
    name="stack",
    value=recording.Stack,
    attribute="stacks",
    frames=("frames", "gil_owner"),
    booleans=("active", "owns_gil"),
)
STATES = Table(name="state", value=recording.StateSample, attribute="states")
PAUSES = Table(name="gc_pause", value=recording.GcPause, attribute="pauses", ordered=_SPAN)
REQUESTS = Table(
    name="request",
    value=recording.Request,
    attribute="requests",
    signed=("status",),
    ordered=(("sent_ns", "done_ns"),),
)
SERVED = Table(name="served", value=recording.Served, attribute="served")
CANARIES = Table(name="canary", value=recording.Canary, attribute="canaries", ordered=_SPAN)
SAMPLES = Table(name="process_sample", value=recording.ProcessSample, attribute="samples")
STREAMS = Table(
    name="stream", value=recording.StreamTotals, attribute="streams", json=("percentiles",), since=2
)
COUNTERS = Table(name="counter", value=recording.Counter, attribute="counters", since=2)
LIMITS = Table(name="resource_limit", value=recording.Limit, attribute="limits", since=3)
INCIDENTS = Table(name="incident", value=recording.Incident, attribute="incidents", since=3)
ATTEMPTS = Table(name="attempt", value=recording.Attempt, attribute="attempts", since=3)
ANSWERS = Table(name="answer", value=recording.Answer, attribute="answers", since=3)
PICKLING = Table(name="pickling", value=recording.Pickling, attribute="pickling", since=3)

RUN_TABLES = (
    LANES, TOTALS, STEPS, STACKS, STATES, PAUSES, REQUESTS, SERVED, CANARIES, SAMPLES, STREAMS, COUNTERS,
    LIMITS, INCIDENTS, ATTEMPTS, ANSWERS, PICKLING,
)  # fmt: skip

# Fields of `Run` that are columns of the table `run`; those of its cell are columns as well.
RUN_JSON = ("routes", "unmeasured", "degradations", "errors")
RUN_NUMBERS = ("started_ns", "ended_ns", "load_started_ns", "load_ended_ns")
META_JSON = ("argv", "roots", "machine")
TABLE_NAMES = ("meta", "source", "run", "frame", *(table.name for table in RUN_TABLES))


@cache
def schema_sql() -> str:
    """The commented schema, as it is executed to create a recording."""
    return Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
