"""What every strategy has in common: the forms of a workload, and what is asked of a strategy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from diag.inspection import WorkloadInfo

Handler = Callable[[], object]

# What a handler answers; small, so that the answer costs next to nothing beside the work.
DONE = {"ok": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """The forms in which a workload can be called.

    Attributes:
        sync: the function that is called.
        native: the `async def` that is awaited.
        params: keyword arguments of either.
        on_loop: whether the handler will run on an event loop, where it can be an `async def`.
        pool: threads or processes of a pool, 0 for the strategy's default.
        together: calls that one request gathers, 0 for the default.
        elsewhere: can be pickled, and makes the synchronous form in another process; None where the form can
            be pickled itself.
    """

    sync: Callable[..., object] | None = None
    native: Callable[..., Awaitable[object]] | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    on_loop: bool = True
    pool: int = 0
    together: int = 0
    elsewhere: Callable[[], Callable[..., object]] | None = None


class Handlers(Protocol):
    """What a strategy has to know of a framework (every `diag.frameworks.Framework` says it).

    Attributes:
        name: the framework's.
        handlers: the forms of handler it takes.
    """

    name: str
    handlers: tuple[Literal["async", "def"], ...]


class Serves(Protocol):
    """What is to be known of a server (every `diag.servers.Server` says it).

    Attributes:
        name: the server's.
        loops: the event loops it can run; ``gevent`` is one, () if it has none.
    """

    name: str
    loops: tuple[str, ...]


class Strategy(Protocol):
    """How work is executed.

    Attributes:
        name: as in the vocabulary.
        description: one line in words.
        default: whether `diag explain` runs it unasked.
    """

    name: str
    description: str
    default: bool

    @property
    def patched(self) -> bool | None:
        """Whether it is for servers that patch waiting calls into switches of greenlets; None if for all."""
        ...

    def applies(self, workload: WorkloadInfo, framework: Handlers) -> str | None:
        """None if the workload can be executed so, otherwise why not, in a sentence."""
        ...

    def handler(self, forms: Forms) -> Handler:
        """The function that a framework serves: an `async def` or a `def` without parameters."""
        ...


def needs_sync(workload: WorkloadInfo) -> str | None:
    """Why a strategy that calls the work cannot be used, None if it can."""
    return None if workload.has_sync else f"{workload.name} has no synchronous form"


def needs_native(workload: WorkloadInfo) -> str | None:
    """Why a strategy that awaits the work cannot be used, None if it can."""
    return None if workload.has_native else f"{workload.name} has no async def form"


def needs_loop(framework: Handlers) -> str | None:
    """Why a strategy with an `async def` handler cannot be used, None if it can."""
    return None if "async" in framework.handlers else f"{framework.name} handlers do not run on an event loop"


@runtime_checkable
class Detailed(Protocol):
    """A strategy that has something to choose."""

    def detail(self, workload: WorkloadInfo, *, pool: int, together: int) -> str:
        """What it chooses for a workload, in a few words.

        Args:
            workload: what is executed.
            pool: threads or processes asked for, 0 for its default.
            together: calls asked for, 0 for its default.
        """
        ...


@runtime_checkable
class Refusing(Protocol):
    """A strategy that fails on some servers."""

    def refuses(self, server: Serves) -> str | None:
        """Why it fails there, None if it does not."""
        ...


def unsuited(strategy: Strategy, framework: Handlers, server: Serves) -> str | None:
    """Why a strategy makes no sense in a framework on a server (of its interface), None if it does."""
    if isinstance(strategy, Refusing) and (reason := strategy.refuses(server)):
        return reason
    patches = "gevent" in server.loops
    on_loop = patches and "async" in framework.handlers
    if strategy.patched in (None, patches) and not on_loop:
        return None
    if not patches:
        return f"{server.name} does not monkey-patch"
    # Seen with gevent 26.9: all but one of the requests at a time fail, in asyncio.run and in asgiref alike.
    return (
        f"on {server.name} requests are greenlets of one thread: "
        "a plain call is what gevent is, and a second asyncio loop fails"
    )


def counted(number: int, one: str, many: str) -> str:
    """A number with its word."""
    return f"{number} {one if number == 1 else many}"


def called(forms: Forms) -> Callable[..., object]:
    """The synchronous form, which `applies` made sure of."""
    if forms.sync is None:
        raise ValueError("this strategy needs a synchronous form")
    return forms.sync


def awaited(forms: Forms) -> Callable[..., Awaitable[object]]:
    """The native form, which `applies` made sure of."""
    if forms.native is None:
        raise ValueError("this strategy needs a native form")
    return forms.native
