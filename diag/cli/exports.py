"""Reports that go to files: their options, and the writing of those that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A kind of file.

    Attributes:
        module: whose `pieces(recording)` makes the file.
        said: the option's help.
        opened: what opens the file, for people.
    """

    module: str
    said: str
    opened: str


EXPORTS = {
    "perfetto": Export(
        module="diag.reports.perfetto",
        said="Write the timeline as a trace for Perfetto.",
        opened="open it in https://ui.perfetto.dev",
    ),
    "speedscope": Export(
        module="diag.reports.speedscope",
        said="Write what held the loops, for speedscope.",
        opened="open it in https://www.speedscope.app",
    ),
    "collapsed": Export(
        module="diag.reports.collapsed",
        said="Write what held the loops as collapsed stacks, weights in nanoseconds.",
        opened="draw it with: flamegraph.pl --countname ns",
    ),
}
"""By the option's name."""


def export_options(command: Callable[..., int]) -> Callable[..., int]:
    """An option for every file that a recording can be written to."""
    for name, export in reversed(EXPORTS.items()):
        path = click.Path(path_type=Path)
        command = click.option(f"--{name}", type=path, metavar="FILE", help=export.said)(command)
    return command


def take_exports(flags: dict[str, object]) -> dict[str, Path]:
    """The files asked for, by the option's name, taken out of the flags; each is known to be writable.

    Raises:
        DiagError: one cannot be written, or two options name the same file.
    """
    asked = {name: path for name in EXPORTS if isinstance(path := flags.pop(name, None), Path)}
    if asked:
        from diag.errors import UsageError
        from diag.reports.files import check_writable

        for path in asked.values():
            check_writable(path)
        if len({path.absolute() for path in asked.values()}) < len(asked):
            raise UsageError(
                "Two reports are to go to the same file",
                cause="The second would replace the first.",
                next_step="Give each its own name.",
                slug="excluded-options",
            )
    return asked


def tell_and_write(
    asked: Mapping[str, Path], recording: Path | str, tell: Callable[[], int], *, quiet: bool
) -> int:
    """Write the files asked for, print the result, and say where the files are and what opens them.

    The result is printed even if a file cannot be written: it took the longer.

    Args:
        asked: files by the option's name.
        recording: what they are made of.
        tell: prints the result and returns the exit code.
        quiet: True to print nothing of the files.

    Raises:
        DiagError: one cannot be written; nothing is left of it.
    """
    if not asked:
        return tell()
    from diag.errors import DiagError
    from diag.reports.files import write_report
    from diag.store import read_recording

    try:
        read = read_recording(recording)
        for name, path in asked.items():
            write_report(path, import_module(EXPORTS[name].module).pieces(read))
    except DiagError:
        tell()
        raise
    code = tell()
    for name, path in asked.items() if not quiet else ():
        click.echo(f"{path}: {EXPORTS[name].opened}", err=True)
    return code
