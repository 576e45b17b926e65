"""Reports that go to files: their options, and the writing of those that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from diag.change import Change
    from diag.comparison import Comparison
    from diag.finding import Verdict
    from diag.recording import Recording
    from diag.remedy import Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A kind of file.

    Attributes:
        module: whose `pieces(recording)` makes the file.
        said: the option's help.
        opened: what opens the file, for people.
        judged: True if its `pieces` takes the verdict or comparison too.
    """

    module: str
    said: str
    opened: str
    judged: bool = False


EXPORTS = {
    "html": Export(
        module="diag.reports.html",
        said="Write everything as one HTML page that needs no network.",
        opened="open it in a browser",
        judged=True,
    ),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be written.

    Attributes:
        files: by the option's name.
        source: False leaves source lines out of the page.
        shown: True opens the page in the browser.
    """

    files: Mapping[str, Path]
    source: bool = True
    shown: bool = False

    def __bool__(self) -> bool:
        """True if anything is to be written."""
        return bool(self.files) or self.shown


def export_options(command: Callable[..., int]) -> Callable[..., int]:
    """An option for every file that a recording can be written to, and two on the page."""
    for name, said in (
        ("--no-source", "Leave lines of source out of the page."),
        ("--open", "Open the page in the browser; without --html it goes beside the recording."),
    ):
        command = click.option(name, is_flag=True, help=said)(command)
    for name, export in reversed(EXPORTS.items()):
        path = click.Path(path_type=Path)
        command = click.option(f"--{name}", type=path, metavar="FILE", help=export.said)(command)
    return command


def take_exports(flags: dict[str, object]) -> Asked:
    """The files asked for, taken out of the flags; each is known to be writable.

    Raises:
        DiagError: one cannot be written, or two options name the same file.
    """
    source, shown = not flags.pop("no_source", False), bool(flags.pop("open", False))
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
    return Asked(files=asked, source=source, shown=shown)


def tell_and_write(
    asked: Asked,
    recording: Path | str,
    tell: Callable[[], int],
    *,
    quiet: bool,
    result: Verdict | Comparison | Change | None = None,
    tried: Sequence[Tried] = (),
    earlier: Path | None = None,
) -> int:
    """Write the files asked for, print the result, and say where the files are and what opens them.

    The result is printed even if a file cannot be written: it took the longer.

    Args:
        asked: which files.
        recording: what they are made of.
        tell: prints the result and returns the exit code.
        quiet: True to print nothing of the files.
        result: what the recording was judged to say, for files that tell of it.
        tried: remedies that were tried, for the same.
        earlier: the recording from before a change, where `result` is what became of it.

    Raises:
        DiagError: one cannot be written; nothing is left of it.
    """
    files = dict(asked.files)
    if asked.shown and "html" not in files:
        files["html"] = Path(recording).with_suffix(".html")
    if not files:
        return tell()
    from diag.errors import DiagError
    from diag.reports.files import write_report
    from diag.store import read_recording

    try:
        read = read_recording(recording)
        for name, path in files.items():
            if earlier is not None:
                made = _page_of_change(read_recording(earlier), read, result, asked)
            else:
                made = _pieces(EXPORTS[name], read, result, asked, tried)
            write_report(path, made)
    except DiagError:
        tell()
        raise
    code = tell()
    for name, path in files.items() if not quiet else ():
        click.echo(f"{path}: {EXPORTS[name].opened}", err=True)
    if asked.shown:
        _open(files["html"])
    return code


def _pieces(
    export: Export,
    recording: Recording,
    result: Verdict | Comparison | Change | None,
    asked: Asked,
    tried: Sequence[Tried],
) -> Iterable[str]:
    module = import_module(export.module)
    judged = {"result": result, "source": asked.source, "tried": tried} if export.judged else {}
    made: Iterable[str] = module.pieces(recording, **judged)
    return made


def _page_of_change(before: Recording, after: Recording, change: object, asked: Asked) -> Iterable[str]:
    from diag.change import Change
    from diag.reports.html import change_pieces

    assert isinstance(change, Change)
    return change_pieces(before, after, change, source=asked.source)


def _open(path: Path) -> None:
    """Show a page; where there is no browser, say where it is."""
    import webbrowser

    if not webbrowser.open(path.absolute().as_uri()):
        click.echo(f"No browser could be started; the page is {path.absolute()}", err=True)
