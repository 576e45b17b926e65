"""One finding, made ready for all remedies: its cause, its site, and how proposals are put together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diag.diffs import unified
from diag.finding import Cause, Finding, Location
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Host, Site, find_site
from diag.remedies.text import NotPossibleError, Source
from diag.remedies.workload_files import expect_clean
from diag.remedy import Edit, Move, Refusal, Remedy, ServerChange, Setting, digest

ASYNCIO_THREADS_BESIDE_CORES = 4
ASYNCIO_THREADS_MOST = 32
"""`concurrent.futures.ThreadPoolExecutor`: its default number of threads is min(32, cores + 4)."""

ANYIO_THREADS = 40
"""`anyio.to_thread`: tokens of its default limiter, which Starlette's `def` endpoints share."""

_ENGLISH = frozenset({"a", "it", "its", "line", "more", "no", "none", "that", "the", "two", "what"})
"""Words that a reason can begin with; all others are names of the user's, which keep their case."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """What a remedy is given.

    Attributes:
        finding: to be helped.
        culprit: its line.
        cause: its main cause.
        setting: the run.
        sources: the user's files, parsed, by absolute path.
        site: the place to change, None where there is none.
    """

    finding: Finding
    culprit: Location
    cause: Cause
    setting: Setting
    sources: Mapping[str, Source]
    site: Site | None

    @property
    def computes(self) -> bool:
        """On the CPU with the GIL, as far as was seen."""
        return self.cause in (Cause.CPU_GIL, Cause.CPU)

    @property
    def calls(self) -> tuple[str, ...]:
        """Frames from the outermost caller to the culprit, in words for a reader."""
        return tuple(f"{one.function}:{one.line}" for one in (*self.finding.path, self.culprit))

    @property
    def on_loop(self) -> bool:
        """Whether the server has a loop on which things can be awaited."""
        return self.setting.loop != "gevent" and self.finding.rule in ("blocked-loop", "convoy")

    def threads(self, library: str) -> int:
        """Threads of the pool that a library's `to_thread` uses."""
        if library == "asyncio":
            return min(ASYNCIO_THREADS_MOST, self.setting.cores + ASYNCIO_THREADS_BESIDE_CORES)
        return ANYIO_THREADS

    def _shown(self, path: str) -> str:
        """A file's path as findings show it: relative to the root that it lies below."""
        frames = (*self.finding.path, self.culprit)
        found = next((one.path for one in frames if one.absolute == path), "")
        return (found or os.path.relpath(path, self.setting.root or "/")).lstrip("/")

    def identity(self, name: str) -> str:
        """A remedy's id."""
        return f"{name}@{self.culprit.path}:{self.culprit.line}"

    def rewrite(self, because: str = "") -> Rewrite:
        """A change of the site's file, with nothing changed yet but a workload's expectation.

        Args:
            because: why the changed code will be clean, in words for its reader; "" if it will not be.

        Raises:
            NotPossibleError: there is no place to change.
        """
        if self.site is None:
            raise NotPossibleError("no coroutine of yours leads to this line, so nothing here can await")
        rewrite = Rewrite(source=self.site.source, function=self.site.function)
        if because and self.setting.target_kind == "workload":
            expect_clean(rewrite, self.culprit, because)
        return rewrite

    def changed(
        self,
        name: str,
        rewrite: Rewrite,
        *,
        title: str,
        move: Move,
        why: str,
        pool: int = 0,
        caveats: Sequence[str] = (),
        safe: bool = True,
        expected: bool = True,
    ) -> Remedy:
        """A remedy that is a change of one file.

        Args:
            name: the remedy's.
            rewrite: the change.
            title: as in `diag.remedy.Remedy`, like all that follow.
            move: what becomes of the step.
            why: why it could help.
            pool: threads or processes.
            caveats: what to know.
            safe: whether the meaning stays.
            expected: whether the cause speaks for it.

        Raises:
            NotPossibleError: the change cannot be made.
        """
        source = rewrite.source
        after = rewrite.finish()
        shown = self._shown(source.path)
        return Remedy(
            id=self.identity(name),
            name=name,
            title=title,
            culprit=self.culprit,
            route=self.finding.title,
            move=move,
            pool=pool,
            edits=(Edit(path=source.path, before_sha256=digest(source.text), after=after),),
            diff=unified(shown, source.text, after),
            safe=safe,
            why=why,
            caveats=tuple(caveats),
            expected=expected,
        )

    def served(
        self,
        name: str,
        change: ServerChange,
        *,
        title: str,
        why: str,
        caveats: Sequence[str] = (),
        expected: bool = True,
    ) -> Remedy:
        """A remedy that is another way to serve the same code."""
        return Remedy(
            id=self.identity(name),
            name=name,
            title=title,
            culprit=self.culprit,
            route=self.finding.title,
            move=Move.SERVER,
            pool=change.workers * max(change.threads, 1),
            server=change,
            why=why,
            caveats=tuple(caveats),
            expected=expected,
        )

    def refused(self, name: str, reason: str | NotPossibleError, by_hand: str) -> Refusal:
        """A remedy that fits and cannot be written by machine."""
        text = str(reason)
        first = text.partition(" ")[0]
        sentence = (first.capitalize() if first in _ENGLISH else first) + text[len(first) :]
        sentence += "" if text.endswith(".") else "."
        return Refusal(
            id=self.identity(name), name=name, culprit=self.culprit, reason=sentence, by_hand=by_hand
        )


def case_of(finding: Finding, setting: Setting, sources: Mapping[str, Source]) -> Case | None:
    """A finding as remedies take it, None if it has no line, no cause, or no remedy by its nature."""
    cause = next((one.cause for one in finding.causes if one.cause is not Cause.RUN_QUEUE), None)
    if finding.location is None or cause is None:
        return None
    host = Host.COROUTINE
    if setting.loop == "gevent":
        host = Host.GREENLET
    elif setting.target_kind == "workload":
        host = Host.WORKLOAD
    on_lane = finding.rule in ("blocked-loop", "convoy")
    site = find_site((*finding.path, finding.location), sources, host) if on_lane else None
    return Case(
        finding=finding, culprit=finding.location, cause=cause, setting=setting, sources=sources, site=site
    )
