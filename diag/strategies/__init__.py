"""How work is executed: one file a strategy.

for strategy in STRATEGIES:
    reason = strategy.applies(workload, framework)   # None if it can be used
"""

from __future__ import annotations

from diag.strategies.blocking import Blocking
from diag.strategies.forms import Detailed, Forms, Handlers, Strategy, unsuited
from diag.strategies.gather import Gather
from diag.strategies.gevent import Gevent
from diag.strategies.loop_per_request import LoopPerRequest
from diag.strategies.native import Native
from diag.strategies.process_pool import ProcessPool
from diag.strategies.run_in_executor import RunInExecutor
from diag.strategies.sync_handler import SyncHandler
from diag.strategies.to_thread import ToThread

STRATEGIES: tuple[Strategy, ...] = (
    Blocking(),
    Native(),
    SyncHandler(),
    ToThread(),
    RunInExecutor(),
    ProcessPool(),
    Gather(),
    LoopPerRequest(),
    Gevent(),
)

__all__ = ["STRATEGIES", "Detailed", "Forms", "Handlers", "Strategy", "get_strategy", "unsuited"]


def get_strategy(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        KeyError: there is none; its argument lists the names there are.
    """
    for strategy in STRATEGIES:
        if strategy.name == name:
            return strategy
    raise KeyError(f"{name!r} is not one of {', '.join(s.name for s in STRATEGIES)}")
