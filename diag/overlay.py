"""Changed text in place of files, for one target and for as long as it runs: how a fix is tried in memory.

`write` puts the texts, and a copy of this very file under the name ``sitecustomize.py``, into a private
folder, and gives the variables that make every Python process of the target find it: Python imports
``sitecustomize`` when it starts, in spawned, reloaded and started processes alike (a forked one has it
already). There `install` makes the import system take the overlay's text for these files. They keep their
names, so lines, tracebacks and `linecache` show the changed text. Nothing is written where the user's files
are.

Runs inside the target's processes: standard library only, and nothing of diag.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import TracebackType

TEXTS = "DIAG_OVERLAY"
"""The file with the texts, as JSON: text by absolute path."""

FOLDER = "overlay"
"""Where it lies within the folder of a run."""

PICKLES = "DIAG_PICKLES"
"""The folder where each process writes down what it pickled for others; without it nobody does."""


def write(folder: str, texts: Mapping[str, str], *, pickles: bool = False) -> dict[str, str]:
    """Put an overlay into a folder of its own.

    Args:
        folder: a private folder; it is made.
        texts: by absolute path.
        pickles: True has the cost of pickling measured (`read_pickles`).

    Returns:
        Variables for the target's environment.
    """
    import json  # noqa: PLC0415  # a target's process may not need it
    import shutil  # noqa: PLC0415

    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "texts.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({os.path.realpath(name): text for name, text in texts.items()}, file)
    shutil.copyfile(__file__, os.path.join(folder, "sitecustomize.py"))
    others = os.environ.get("PYTHONPATH", "")
    variables = {
        TEXTS: path,
        "PYTHONPATH": os.pathsep.join(filter(None, (folder, others))),
        # What was compiled from these files is never written, but a module that lies beside one would be.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return variables | ({PICKLES: folder} if pickles else {})


def read_pickles(folder: str) -> tuple[int, int, int]:
    """Messages between processes, their bytes and the nanoseconds that pickling them took, in all."""
    messages = octets = ns = 0
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith("pickles-"):
            with open(os.path.join(folder, name), encoding="ascii") as file:
                for line in file:
                    size, _, took = line.partition(" ")
                    if took.endswith("\n"):
                        messages, octets, ns = messages + 1, octets + int(size), ns + int(took)
    return messages, octets, ns


def install() -> None:
    """Take the overlay's texts from now on, and measure pickling, as the environment says."""
    path = os.environ.get(TEXTS)
    if path:
        import json  # noqa: PLC0415

        with open(path, encoding="utf-8") as file:
            texts = json.load(file)
        if texts:
            _take(texts)
    folder = os.environ.get(PICKLES)
    if folder:
        _measure_pickling(folder)


def _take(texts: Mapping[str, str]) -> None:
    """Have source loaders, and what else opens code, read these texts."""
    import _io  # noqa: PLC0415
    import io  # noqa: PLC0415
    import linecache  # noqa: PLC0415
    from importlib.machinery import SourceFileLoader  # noqa: PLC0415

    names = {os.path.basename(path) for path in texts}
    get_data, path_stats, open_code = SourceFileLoader.get_data, SourceFileLoader.path_stats, io.open_code

    def text_of(path: object) -> str | None:
        shown = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if os.path.basename(shown) not in names:
            return None
        text = texts.get(os.path.realpath(shown))
        if text is not None:
            # Without a time of change it is never looked for on disk again.
            linecache.cache[shown] = (len(text), None, text.splitlines(keepends=True), shown)
        return text

    def overlaid_data(self: SourceFileLoader, path: str) -> bytes:
        text = text_of(path)
        return get_data(self, path) if text is None else _encoded(text)

    def overlaid_stats(self: SourceFileLoader, path: str) -> Mapping[str, object]:
        if text_of(path) is not None:
            raise OSError  # which makes the import system leave compiled files alone
        return path_stats(self, path)

    def overlaid_open(path: str) -> object:
        text = text_of(path)
        return open_code(path) if text is None else io.BytesIO(_encoded(text))

    SourceFileLoader.get_data = overlaid_data  # type: ignore[method-assign, assignment]
    SourceFileLoader.path_stats = overlaid_stats  # type: ignore[method-assign]
    io.open_code = _io.open_code = overlaid_open  # type: ignore[assignment]
    if sys.excepthook is sys.__excepthook__:  # which reads lines from the disk, past `linecache`
        sys.excepthook = _show


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an exception that nobody caught, with the changed text's lines."""
    import traceback  # noqa: PLC0415

    traceback.print_exception(kind, error, trace)


def _encoded(text: str) -> bytes:
    """As the file would hold it, which may say in its first lines how it is encoded."""
    data = text.encode("utf-8", "surrogateescape")
    if b"coding" not in b"".join(data.split(b"\n", 2)[:2]):
        return data
    from tokenize import detect_encoding  # noqa: PLC0415

    encoding, _ = detect_encoding(iter(data.splitlines(keepends=True)).__next__)
    return text.encode(encoding)


def _measure_pickling(folder: str) -> None:
    """Write a line for each message that `multiprocessing` pickles: its bytes, and the time it took."""
    from multiprocessing.reduction import ForkingPickler  # noqa: PLC0415
    from time import perf_counter_ns  # noqa: PLC0415

    dumps = ForkingPickler.dumps.__func__  # type: ignore[attr-defined]
    files: dict[int, int] = {}

    def timed(cls: type, obj: object, protocol: int | None = None) -> object:
        began = perf_counter_ns()
        data = dumps(cls, obj, protocol)
        took = perf_counter_ns() - began
        pid = os.getpid()
        if pid not in files:
            path = os.path.join(folder, f"pickles-{pid}")
            try:
                files[pid] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            except OSError:  # the run is over
                return data
        os.write(files[pid], b"%d %d\n" % (len(data), took))
        return data

    ForkingPickler.dumps = classmethod(timed)  # type: ignore[assignment, method-assign]


def _go_on() -> None:
    """Import the ``sitecustomize`` that this one stands in front of."""
    here = os.path.dirname(os.path.abspath(__file__))
    places = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    from importlib.machinery import PathFinder  # noqa: PLC0415
    from importlib.util import module_from_spec  # noqa: PLC0415

    spec = PathFinder.find_spec("sitecustomize", places)
    sys.path[:] = places
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    install()
    _go_on()
