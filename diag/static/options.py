"""What an analysis is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

EXCLUDED = (
    ".*", "__pycache__", "node_modules", "site-packages", "dist-packages", "venv", "env", "virtualenv",
    "build", "dist",
)  # fmt: skip
TEST_FILES = ("test", "tests", "testing", "test_*.py", "*_test.py", "conftest.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticOptions:
    """How sources are found and judged.

    Attributes:
        root: what paths are shown relative to, and where absolute imports of the project begin (as does
            ``src`` below it).
        search_path: folders of installed packages (``site-packages``), in order; () judges by summaries only.
        exclude: names or patterns of files and folders, below a target folder, that are left out.
        tests: True to check test files below a target folder as well.
        follow: True to check the handlers of all project modules that the targets import, directly or not;
            False to check those of the targets' files only.
        blocking: further blocking calls: a dotted name each, and what to use instead ("" if nothing).
        harmless: dotted names of calls not to report; ``*`` at the end fits any rest.
        cache: folder of the summaries kept between runs, None for none.
    """

    root: Path = field(default_factory=Path.cwd)
    search_path: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = EXCLUDED
    tests: bool = False
    follow: bool = False
    blocking: tuple[tuple[str, str], ...] = ()
    harmless: tuple[str, ...] = ()
    cache: Path | None = None
