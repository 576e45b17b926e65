"""From a preset to plans for this machine."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from diag.cli.compare import PRESETS as NAMES
from diag.comparing import CompareOptions, compare_options
from diag.errors import UsageError
from diag.plan import ServePlan
from diag.preset_plan import choose_of_preset, plan_of_preset, preset_cells
from diag.presets import PRESETS, Preset, get_preset
from diag.progress import Silent

TOP = Path(__file__).parents[1]


def options(preset: str, **flags: object) -> CompareOptions:
    return compare_options((), {"preset": preset, **flags})


def plans(preset: str, **flags: object) -> dict[str, ServePlan]:
    """Those of a preset's cells, by their key."""
    asked = options(preset, **flags)
    every = preset_cells(asked, Silent())
    return {one.cell.key: plan_of_preset(one, asked) for one in choose_of_preset(every, asked)}


def test_the_command_line_knows_every_preset() -> None:
    assert tuple(preset.name for preset in PRESETS) == NAMES
    with pytest.raises(KeyError, match="apachebench"):
        get_preset("techempower")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda one: one.name)
def test_cells_have_names_of_their_own_and_shipped_files(preset: Preset) -> None:
    """A cell is found again in a recording by its key."""
    cells = preset.cells(1.0)
    assert len({one.key for one in cells}) == len(cells)
    for one in cells:
        assert (TOP / one.file).is_file()
        assert one.load.expected_ns > 0


def test_apachebench_is_planned_as_published() -> None:
    found = plans("apachebench", scale=0.1)
    assert len(found) == 12
    flask = found["concurrency 500: Flask-RESTful, development server, backlog 4,096"]
    assert flask.app.framework == "flask-restful"
    assert flask.server.extra == ("--access-log", "--backlog=4096")
    assert (flask.shape.total, flask.shape.keep_alive, flask.shape.http) == (500, False, "1.0")
    assert flask.shape.warm_up_ns == 0
    (stream,) = flask.streams
    assert stream.users == 500
    fast = found["concurrency 500: FastAPI, gunicorn with 4 uvicorn workers"]
    assert (fast.server.workers, fast.server.loop, fast.app.units[0].strategy) == (4, "uvloop", "native")
    assert fast.cwd == TOP / "workloads" / "presets"


def test_long_requests_are_not_asked_before_the_load() -> None:
    """And their answers are waited for as long as they take, all of them one after another."""
    found = plans("blocking-sleep", scale=0.5)
    held = found["4 requests at once, each sleeps: FastAPI, time.sleep in async def"]
    assert not held.shape.surveyed
    assert held.app.params == {"seconds": 5.0}
    assert held.timeout_ns > 4 * 5_000_000_000
    computing = found["4 users, each request computes: FastAPI, computed in another process"]
    assert [stream.name for stream in computing.streams] == ["work", "ping"]


def test_a_container_is_limited_and_its_control_is_not_in_memory() -> None:
    found = plans("h2load-container")
    limited = found["1 CPU, 100 MiB: Flask, gunicorn with 4 × 32 threads"]
    roomy = found["1 CPU, memory without limit: Flask, gunicorn with 4 × 32 threads"]
    assert (limited.cpus, limited.memory_bytes, roomy.cpus, roomy.memory_bytes) == (1.0, 100 << 20, 1.0, 0)
    assert (limited.server.workers, limited.server.threads) == (4, 32)


def test_too_little_memory_is_said_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the scale that fits."""
    free = psutil.virtual_memory()._replace(available=2 << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(UsageError, match="needs about 17.1 GiB of memory; 2 GiB are free") as error:
        plans("numpy-gather")
    scale = float(error.value.next_step.rpartition(" ")[2])
    assert plans("numpy-gather", scale=scale)


def test_a_selection_narrows_a_preset() -> None:
    found = plans("apachebench", select=("framework=flask*,server=werkzeug",))
    assert len(found) == 3
    with pytest.raises(UsageError, match="No cell of the preset apachebench") as error:
        plans("apachebench", select=("server=hypercorn",))
    assert error.value.next_step == "See its cells: diag compare --preset apachebench --list"


@pytest.mark.parametrize(
    ("targets", "flags", "words"),
    [
        (("work.py",), {}, "--preset and work.py exclude each other"),
        ((), {"users": 5}, "--preset and --users exclude each other"),
        ((), {"total": 5}, "--preset and --requests exclude each other"),
        ((), {"connection": "per-request"}, "--preset and --connection exclude each other"),
        ((), {"params": ("a=1",)}, "--preset and --param exclude each other"),
        ((), {"scale": 0.0}, "--scale is not understood"),
        ((), {"scale": float("nan")}, "--scale is not understood"),
    ],
)
def test_what_a_preset_sets_cannot_be_set_beside_it(
    targets: tuple[str, ...], flags: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        compare_options(targets, {"preset": "apachebench", **flags})


def test_only_presets_are_scaled() -> None:
    with pytest.raises(UsageError, match="a TARGET and --scale exclude each other"):
        compare_options(("work.py",), {"scale": 0.5})


def test_settings_of_the_folder_leave_a_preset_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.diag]\nusers = 7\ntarget = "x.py"\nseed = 9\n')
    monkeypatch.chdir(tmp_path)
    found = options("apachebench", seed=4)
    assert (found.base.users, found.base.seed) == (None, 4)


def test_a_file_of_the_same_name_in_the_current_folder_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads" / "blocking_sleep.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    found = plans("blocking-sleep")
    assert {plan.cwd for plan in found.values()} == {TOP / "workloads"}
