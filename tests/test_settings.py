"""Flags and the `[tool.diag]` table: flags win, and whatever is wrong is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.errors import UsageError
from diag.settings import KEYS, ExplainOptions, ToolTable, explain_options, find_table


def options(flags: dict[str, object], **table: object) -> ExplainOptions:
    """Options of flags over a table."""
    return explain_options({"target": "work.py"} | flags, table=ToolTable(path=Path("p.toml"), values=table))


def write(folder: Path, text: str) -> Path:
    """A pyproject.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pyproject.toml"
    path.write_text(text)
    return path


def test_every_key_is_a_field() -> None:
    """A key with a misspelt field would only fail when used."""
    fields = set(ExplainOptions.__dataclass_fields__)
    assert {key.field for key in KEYS.values()} == fields - {"args", "cwd"}


def test_defaults_are_those_of_the_dataclass(tmp_path: Path) -> None:
    """No flags and no table leave everything to diag."""
    built = explain_options({"target": "work.py", "requests": (), "factory": False}, cwd=tmp_path)
    assert built == ExplainOptions(target="work.py", cwd=tmp_path)
    assert built.threshold_ns == 10_000_000


def test_flags_are_converted() -> None:
    """Durations to nanoseconds, params to JSON values, headers to pairs."""
    built = options(
        {
            "duration": "2s",
            "threshold": "5 ms",
            "params": ("seconds=0.5", 'name="x"', "word=abc", "empty="),
            "headers": ("X-Key: a: b",),
            "requests": ('POST /items {"name": "x"}',),
            "rate": 12,
            "output": "~/x.diag",
            "args": ("-v", "--", "1"),
        }
    )
    assert (built.duration_ns, built.threshold_ns, built.rate) == (2_000_000_000, 5_000_000, 12.0)
    assert built.params == {"seconds": 0.5, "name": "x", "word": "abc", "empty": ""}
    assert built.headers == (("X-Key", "a: b"),)
    assert built.requests == ('POST /items {"name": "x"}',)
    assert built.output == Path.home() / "x.diag"
    assert built.args == ("-v", "--", "1")


def test_a_flag_wins_over_the_table() -> None:
    """And what no flag says comes from the table."""
    built = options(
        {"workers": 3, "strategies": ("native",)}, workers=2, users=5, strategies=["blocking"], factory=True
    )
    assert (built.workers, built.users, built.strategies, built.factory) == (3, 5, ("native",), True)


def test_requests_may_be_a_table_of_bodies() -> None:
    """The key is method and path; a body is text as it is, or anything else as JSON."""
    built = options({}, requests={"POST /items": {"name": "x"}, "GET /items/3": "", "PUT /raw": "a b"})
    assert built.requests == ('POST /items {"name": "x"}', "GET /items/3", "PUT /raw a b")


def test_the_nearest_table_is_found_upward(tmp_path: Path) -> None:
    """A pyproject.toml without the table is passed over."""
    write(tmp_path, '[tool.diag]\nthreshold = "20ms"\n[tool.diag.requests]\n"POST /x" = {a = 1}\n')
    write(tmp_path / "a", "[tool.other]\n")
    (tmp_path / "a" / "b").mkdir()
    found = find_table(tmp_path / "a" / "b")
    assert found.path == tmp_path / "pyproject.toml"
    built = explain_options({"target": "t"}, cwd=tmp_path / "a" / "b")
    assert built.threshold_ns == 20_000_000
    assert built.requests == ('POST /x {"a": 1}',)


def test_the_search_ends_at_the_top_of_a_repository(tmp_path: Path) -> None:
    """A table in the folder above somebody's clone has nothing to do with it."""
    write(tmp_path, "[tool.diag]\nworkers = 2\n")
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    assert find_table(tmp_path / "clone").path is None


def test_the_target_may_come_from_the_table() -> None:
    """`diag explain` alone is enough in a project that says its app."""
    assert explain_options({}, table=ToolTable(values={"target": "shop:app"})).target == "shop:app"
    with pytest.raises(UsageError, match="no target") as caught:
        explain_options({}, table=ToolTable())
    assert caught.value.slug == "no-target"


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("workers", 0, "between 1"),
        ("workers", "2", "'2'"),
        ("workers", True, "True"),
        ("threads", -1, "between 0"),
        ("users", 2.5, "2.5"),
        ("port", 70_000, "65535"),
        ("rate", 0, "above 0"),
        ("rate", float("nan"), "nan"),
        ("duration", "5", "no unit"),
        ("duration", 5, "5"),
        ("threshold", "0ms", "above 0"),
        ("threshold", "soon", "not a duration"),
        ("factory", "yes", "yes"),
        ("requests", 3, "3"),
        ("strategies", [1], "1"),
        ("strategies", [""], "''"),
        ("params", ["x"], "name=value"),
        ("params", ["a b=1"], "name=value"),
        ("headers", ["X"], "not a header"),
        ("headers", {"X": 1}, "1"),
        ("headers", ["X: a\r\nY: b"], "not a header"),
        ("server", "", "''"),
        ("output", 1, "1"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wanted(name: str, value: object, word: str) -> None:
    """In a table the file is named, for a flag the flag."""
    with pytest.raises(UsageError) as caught:
        options({}, **{name: value})
    assert f"{name} in [tool.diag]" in caught.value.what
    assert word in caught.value.what
    assert caught.value.cause.startswith("It must be ")
    assert "p.toml" in caught.value.next_step


def test_a_wrong_flag_is_called_by_its_flag() -> None:
    """The user typed --threshold, not threshold_ns."""
    with pytest.raises(UsageError, match="--threshold is not understood: '10' has no unit"):
        options({"threshold": "10"})


def test_an_unknown_key_gets_a_close_match(tmp_path: Path) -> None:
    """A slip is corrected; otherwise all keys are listed."""
    path = write(tmp_path, '[tool.diag]\ntreshold = "5ms"\n')
    with pytest.raises(UsageError) as caught:
        find_table(tmp_path)
    assert caught.value.cause == "Perhaps 'threshold' was meant."
    assert str(path) in caught.value.what
    write(tmp_path, "[tool.diag]\nqqq = 1\n")
    with pytest.raises(UsageError, match="unknown key 'qqq'") as caught:
        find_table(tmp_path)
    assert "Known are: target, " in caught.value.cause


@pytest.mark.parametrize("text", ["[tool.diag", "[tool]\ndiag = 3\n", "a = " + "[" * 5_000])
def test_a_broken_file_is_explained(tmp_path: Path, text: str) -> None:
    """The error names the file."""
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        find_table(tmp_path)
    assert caught.value.slug == "bad-settings-file"
    assert str(path) in caught.value.what


def test_a_file_that_is_not_utf_8_is_explained(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    (tmp_path / "pyproject.toml").write_bytes(b'name = "caf\xe9"\n')
    with pytest.raises(UsageError, match="not valid TOML"):
        find_table(tmp_path)


def test_a_tool_that_is_no_table_has_no_settings(tmp_path: Path) -> None:
    """Odd, but not diag's business."""
    write(tmp_path, "tool = 3\n")
    assert find_table(tmp_path).path is None


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"cpus": 0.0}, "0.0 is not between 0.01 and 10000"),
        ({"cpus": float("nan")}, "nan is not between"),
        ({"memory": "100"}, "'100' is not a size with a unit"),
        ({"memory": "5m"}, "'5m' is less than 6 MiB"),
    ],
)
def test_a_limit_that_no_container_takes_is_refused(flags: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        explain_options({"target": "a.py", **flags}, table=ToolTable())


def test_limits_are_read_as_docker_reads_them() -> None:
    options = explain_options({"target": "a.py", "cpus": 1}, table=ToolTable(values={"memory": "100m"}))
    assert (options.cpus, options.memory_bytes) == (1.0, 100 << 20)
