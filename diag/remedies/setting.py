"""What a proposal has to know of a recorded run."""

from __future__ import annotations

from diag.analysis.source import Code
from diag.recording import Recording
from diag.remedy import Setting


def setting_of(recording: Recording) -> Setting:
    """The setting of a recording's first run, which its verdict is about.

    Args:
        recording: with the texts of the user's files.
    """
    meta = recording.meta
    cell = recording.runs[0].cell if recording.runs else None
    code = Code.of(recording)
    return Setting(
        root=meta.roots[0] if meta.roots else "",
        target_kind=meta.target_kind,
        framework=cell.framework if cell else "",
        server=cell.server if cell else "",
        loop=cell.loop if cell else "",
        workers=cell.workers if cell else 1,
        threads=cell.threads if cell else 0,
        cores=meta.machine.cores,
        # Of installed packages, which a recording holds as well, nothing is ever changed.
        sources={path: text for path, text in recording.sources.items() if code.is_user(path)},
    )
