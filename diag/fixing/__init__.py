"""From what was tried to the files as they should be: `diag fix`.

`plan` is pure; `look` reads the files that are to be changed, and `write` is the only place of diag that ever
writes into the user's code.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from diag.fixing.files import Look, State, look, write
from diag.fixing.merging import Conflict, merged
from diag.remedy import RemedyResult, Tried

__all__ = ["Conflict", "FileFix", "Fixes", "Look", "State", "look", "plan", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFix:
    """One file as it should be.

    Attributes:
        path: absolute.
        before: its text when it was measured.
        after: its text with every recommended change.
        results: what recommends them.
    """

    path: str
    before: str
    after: str
    results: tuple[RemedyResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixes:
    """What a recording recommends.

    Attributes:
        files: with their new texts.
        servers: recommended changes of the server, which no file holds.
        unsafe: recommended changes that may alter the meaning, and were not asked for by name.
        conflicts: recommended changes that touch the lines of another one: they have to wait for it.
        helpless: culprits against which nothing that was tried helped.
    """

    files: tuple[FileFix, ...] = ()
    servers: tuple[RemedyResult, ...] = ()
    unsafe: tuple[RemedyResult, ...] = ()
    conflicts: tuple[RemedyResult, ...] = ()
    helpless: tuple[Tried, ...] = ()

    @property
    def pending(self) -> bool:
        """Whether something is recommended at all."""
        return bool(self.files or self.servers or self.unsafe or self.conflicts)


def plan(tried: Sequence[Tried], sources: dict[str, str], named: Collection[str] = ()) -> Fixes:
    """Put the recommended changes of all culprits together.

    Args:
        tried: what was tried, by culprit.
        sources: texts as they were measured, by absolute path.
        named: remedies that were asked for by name, which may alter the meaning.
    """
    recommended = [one.recommended for one in tried if one.recommended is not None]
    unsafe = tuple(one for one in recommended if not one.remedy.safe and one.remedy.name not in named)
    rest = [one for one in recommended if one not in unsafe]
    texts: dict[str, str] = {}
    used: dict[str, list[RemedyResult]] = {}
    conflicts: list[RemedyResult] = []
    for result in rest:
        try:
            changed = {
                edit.path: merged(sources[edit.path], texts.get(edit.path, sources[edit.path]), edit.after)
                for edit in result.remedy.edits
                if edit.path in sources
            }
        except Conflict:
            conflicts.append(result)
            continue
        texts |= changed
        for path in changed:
            used.setdefault(path, []).append(result)
    return Fixes(
        files=tuple(
            FileFix(path=path, before=sources[path], after=texts[path], results=tuple(used[path]))
            for path in sorted(texts)
        ),
        servers=tuple(one for one in rest if one.remedy.server is not None),
        unsafe=unsafe,
        conflicts=tuple(conflicts),
        helpless=tuple(one for one in tried if one.recommended is None),
    )
