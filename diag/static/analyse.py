"""From targets to an analysis: discover, lower, link, propagate, report."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from diag.static.allowances import Allowances
from diag.static.cache import Cache, digest_of
from diag.static.discover import Finder, project_files
from diag.static.edges import Edges
from diag.static.finding import Analysis
from diag.static.infer import Inference
from diag.static.ir import Module
from diag.static.knowledge import Knowledge
from diag.static.loading import collector_paused, deep_recursion, lowered
from diag.static.model import ModuleInfo
from diag.static.options import StaticOptions
from diag.static.propagate import Propagation
from diag.static.report import Report
from diag.static.roots import Roots
from diag.static.world import World


def analyse(targets: Sequence[Path], options: StaticOptions | None = None) -> Analysis:
    """Find the blocking calls that run on an event loop, without importing or running anything.

    Args:
        targets: files and folders. Of a folder all files are checked but those that the options leave out.
        options: how sources are found and judged.

    Raises:
        ValueError: a summary, or the knowledge that the options add, is not understood.
    """
    options = options or StaticOptions()
    files = project_files(targets, options)
    with Cache(options.cache) as cache:
        question = _question(targets, files, options)
        known = cache.analysis(question)
        if known is not None:
            return known
        reader = _Reader(cache)
        knowledge = Knowledge(blocking=options.blocking, harmless=options.harmless)
        world = World(Finder(options, files), knowledge, reader.read)
        with warnings.catch_warnings(), collector_paused(), deep_recursion():
            warnings.simplefilter("ignore")  # invalid escapes in the target's texts
            for path in files:
                world.load(path, own=True)
            whole = options.follow or all(os.path.isdir(one) for one in targets)
            analysis = _judged(world, files, options, whole=whole)
        if len(reader.digests) == len(world.modules) + len(world.problems):
            cache.keep_analysis(question, reader.digests, analysis)
        return analysis


class _Reader:
    """Lowers files, or takes what the cache has of them."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.digests: dict[str, bytes] = {}

    def read(self, path: str) -> Module:
        """The lowered form of a file.

        Raises:
            OSError: it could not be read.
            UnreadableError: it could not be lowered.
        """
        with open(path, "rb") as file:
            data = file.read()
        digest = self.digests[path] = digest_of(data)
        known = self._cache.module(digest)
        if known is None:
            known = lowered(data)
            self._cache.keep_module(digest, known)
        return known


def _question(targets: Sequence[Path], files: list[str], options: StaticOptions) -> bytes:
    """All that an answer depends on besides files' content; of installed packages, their folders' times."""
    search = [f"{one} {_changed(one)}" for one in options.search_path]
    around = project_files([options.root], options)  # what may be imported, though it is no target
    parts = [*map(os.path.abspath, targets), "", *files, "", *around, "", repr(options), *search]
    return digest_of("\0".join(parts).encode("utf-8", "surrogateescape"))


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _judged(world: World, files: list[str], options: StaticOptions, *, whole: bool) -> Analysis:
    """`whole` is False if handlers outside the files may use what their comments allow."""
    inference = Inference(world)
    checked = _checked(world, inference, files, options)
    roots = Roots(inference).of(checked)
    allowances = Allowances()
    culprits = Propagation(Edges(inference), roots, allowances).culprits()
    report = Report(os.path.abspath(options.root), roots)
    own = {module.path for module in checked} | set(files)
    handlers = sorted((report.handler(one) for one in roots), key=lambda one: (one.path, one.line, one.name))
    return Analysis(
        findings=report.findings([one for one in culprits if not one.allowed]),
        problems=world.problems_shown(report.shown, own),
        unused=allowances.problems(checked, report.shown) if whole else (),
        allowed=report.findings([one for one in culprits if one.allowed]),
        handlers=tuple(handlers),
        files=len(own),
        lines=sum(module.ir.lines for module in checked),
        packages=tuple(sorted(world.packages)),
        summarised=tuple(sorted(world.knowledge.used)),
        unknown=tuple(sorted(world.unknown)),
    )


def _checked(
    world: World, inference: Inference, files: list[str], options: StaticOptions
) -> list[ModuleInfo]:
    """The modules whose handlers are checked: the targets', and with `follow` all that they import."""
    found = [world.modules[path] for path in files if path in world.modules]
    if not options.follow:
        return found
    for module in found:
        for function in module.functions:
            for bound in function.ir.bindings.values():
                for expr in bound:
                    if isinstance(expr, list) and expr[0] in "IF":
                        inference.values(expr, function)
        for name, level, _ in module.ir.stars:
            world.relative(name, level, module) if level else world.imported(name, module)
        found.extend(one for one in world.modules.values() if one.own and one not in found)
    return found
