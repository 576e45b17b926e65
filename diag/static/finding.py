"""What static analysis concludes: blocking calls with their paths, and what was checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from diag.finding import Confidence, Severity


class BlockKind(StrEnum):
    """How a call holds the loop."""

    WAIT = "wait"
    COMPUTE = "compute"


class RootKind(StrEnum):
    """What makes a function run on the loop."""

    COROUTINE = "coroutine"
    ENDPOINT = "endpoint"
    WEBSOCKET = "websocket"
    MIDDLEWARE = "middleware"
    LIFESPAN = "lifespan"
    DEPENDENCY = "dependency"
    BACKGROUND_TASK = "background-task"
    EVENT = "event"
    CALLBACK = "callback"


class Rule(StrEnum):
    """The rule ids of static findings."""

    WAIT = "blocking-wait"
    COMPUTE = "blocking-compute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A function that runs on the event loop.

    Attributes:
        name: qualified name within its module, such as ``Cart.total``.
        kind: what makes it run on the loop.
        route: method and path where a framework's decorator or call names them (``GET /cart``), else "".
        path: its file, relative to the root where it lies below it, with forward slashes.
        line: of its ``def``.
    """

    name: str
    kind: RootKind
    route: str
    path: str
    line: int

    @property
    def title(self) -> str:
        """The route where there is one, else the function's name."""
        return self.route or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One call on the way from a handler to what blocks.

    Attributes:
        path: its file, relative to the root where it lies below it, with forward slashes.
        absolute: the file itself.
        line: of the call, from 1.
        column: of the call, from 1.
        end_line, end_column: where the call ends; `end_column` is the column behind its last character.
        function: qualified name of the function that holds the call.
        text: the source line without its indentation, "" where it could not be read.
        call: what is called here, as resolved (``shop.report.render``, ``time.sleep``).
        own: True in the project's own files, False in an installed package's.
    """

    path: str
    absolute: str
    line: int
    column: int
    end_line: int
    end_column: int
    function: str
    text: str
    call: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFinding:
    """A call that can hold the event loop.

    There is one finding for each blocking call in the project's own files: the culprit. Where an installed
    package blocks, the culprit is the project's call into that package.

    Attributes:
        rule: `blocking-wait` or `blocking-compute`.
        call: resolved name of the call that blocks, such as ``time.sleep`` or ``requests.Session.get``.
        kind: whether it waits or computes.
        severity: how much it hurts where it runs: `ERROR` for what reaches the network or waits for others,
            `WARNING` for what takes milliseconds as a rule, `INFO` for what is as a rule harmless.
        confidence: how sure it is that this call is meant and runs on the loop.
        handler: the nearest function on the loop that reaches it.
        others: names of further handlers that reach it, in alphabetical order.
        hops: the calls from the handler to what blocks, the handler's own call first; at least one.
        culprit: index in `hops` of the last hop in the project's own files.
        why: one sentence.
        advice: the asynchronous counterpart, or what else helps; one sentence, "" if there is none.
        fingerprint: stable against changes of lines above it; unique within an analysis.
    """

    rule: Rule
    call: str
    kind: BlockKind
    severity: Severity
    confidence: Confidence
    handler: Handler
    others: tuple[str, ...]
    hops: tuple[Hop, ...]
    culprit: int
    why: str
    advice: str
    fingerprint: str

    @property
    def location(self) -> Hop:
        """The line to change: the last one in the project's own files."""
        return self.hops[self.culprit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A file that could not be analysed, or a comment that has no effect.

    Attributes:
        slug: ``syntax-error``, ``wrong-encoding``, ``unreadable-file``, ``too-deep``, ``unused-allowance``,
            ``bad-allowance`` or ``bad-knowledge``.
        path: relative to the root where it lies below it.
        line: from 1, 0 where there is none.
        message: one sentence.
    """

    slug: str
    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """All that was found in one or more targets.

    Attributes:
        findings: most severe first, then by path and line; all of them, the harmless (`INFO`) too.
        problems: files that could not be analysed.
        unused: allowances (`# diag: allow …`) that allowed nothing.
        allowed: findings that a comment allows.
        handlers: every function of the checked files that runs on the loop.
        files: how many of the project's files were checked.
        lines: their lines.
        packages: names of installed packages whose code was analysed.
        summarised: names of packages that were judged by the knowledge that ships with diag.
        unknown: names of imported packages that are neither installed nor known; calls into them pass unseen.
    """

    findings: tuple[StaticFinding, ...] = ()
    problems: tuple[Problem, ...] = ()
    unused: tuple[Problem, ...] = ()
    allowed: tuple[StaticFinding, ...] = ()
    handlers: tuple[Handler, ...] = ()
    files: int = 0
    lines: int = 0
    packages: tuple[str, ...] = ()
    summarised: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def fingerprint(*, rule: str, path: str, function: str, call: str, text: str, ordinal: int) -> str:
    """A finding's identity across commits: it holds no line numbers.

    Args:
        rule: the rule's id.
        path: the culprit's file, relative to the root.
        function: qualified name of the function that holds the culprit.
        call: resolved name of what blocks.
        text: the culprit's line; whitespace is taken out.
        ordinal: counts, from 0, equal findings of the same function in the order of their lines.

    Returns:
        32 hexadecimal digits.
    """
    parts = (rule, path, function, call, "".join(text.split()), str(ordinal))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


__all__ = [
    "Analysis",
    "BlockKind",
    "Confidence",
    "Handler",
    "Hop",
    "Problem",
    "RootKind",
    "Rule",
    "Severity",
    "StaticFinding",
    "fingerprint",
]
