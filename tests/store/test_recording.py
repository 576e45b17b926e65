"""The recording on disk: what goes in comes out, and whatever is wrong with a file is said."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diag import recording as words
from diag.errors import RecordingError
from diag.store import APPLICATION_ID, SCHEMA_VERSION, RecordingWriter, read_recording, tables

META = words.Meta(
    schema_version=SCHEMA_VERSION,
    diag_version="0.1.0",
    argv=("diag", "explain", "work.py"),
    target="work.py",
    target_kind="workload",
    roots=("/home/user/shop",),
    created_utc="2026-11-20T08:00:00Z",
    seed=7,
    threshold_ns=10_000_000,
    machine=words.Machine(
        python="3.11.2", implementation="CPython", platform="Linux", cores=2, memory_bytes=8 << 30
    ),
    expectation='{"at": "time.sleep"}',
)
CELL = words.Cell(
    label="blocking",
    target="work.py",
    framework="fastapi",
    server="uvicorn",
    loop="uvloop",
    load="closed, 20 users",
)
SLEEP = words.Frame(path="/home/user/shop/work.py", line=4, function="work")
CALLER = words.Frame(path="/home/user/shop/work.py", line=9, function="handler")


def request(number: int) -> words.Request:
    """A request that differs from every other."""
    sent = 1_000_000 * number
    return words.Request(
        stream="probe",
        route="GET /health",
        port=40_000 + number % 20_000,
        intended_ns=sent,
        sent_ns=sent,
        first_byte_ns=sent + 500,
        done_ns=sent + 900,
        status=200 if number % 7 else -3,
        body_bytes=2,
    )


def full_run() -> words.Run:
    """A run with a value in every field."""
    waiter = words.Waiter(request_key=5, label="health", since_ns=90, exact=False)
    return words.Run(
        run_id=1,
        cell=CELL,
        trial=2,
        status=words.RunStatus.DONE,
        started_ns=10,
        ended_ns=9_000,
        load_started_ns=20,
        load_ended_ns=8_000,
        failure="",
        lanes=(words.Lane(lane_id=1, pid=100, tid=101, kind=words.LaneKind.UVLOOP),),
        totals=(words.LaneTotals(lane_id=1, steps=50, busy_ns=700, iterations=9, dropped=1),),
        steps=(
            words.Step(
                lane_id=1,
                iteration=3,
                start_ns=100,
                end_ns=300,
                cpu_ns=None,
                run_queue_ns=4,
                gap_ns=1,
                request_key=77,
                label="handler\x00\u202e",
                task="Task-1",
                waiters=(waiter,),
            ),
        ),
        stacks=(
            words.Stack(
                lane_id=1,
                sent_ns=110,
                seen_ns=120,
                source=words.StackSource.PY_SPY,
                frames=(SLEEP, CALLER),
                active=False,
                owns_gil=None,
                gil_owner=(SLEEP,),
            ),
            words.Stack(
                lane_id=1, sent_ns=130, seen_ns=140, source=words.StackSource.SIGNAL, frames=(SLEEP, CALLER)
            ),
        ),
        states=(words.StateSample(lane_id=1, at_ns=115, state=words.ThreadState.GIL_WAIT, cpu_ns=3),),
        requests=(request(1), request(7)),
        served=(words.Served(pid=100, tid=0, port=40_001, start_ns=77, end_ns=350),),
        canaries=(words.Canary(lane_id=1, start_ns=30, end_ns=80, path="canary.py", line=3),),
        samples=(words.ProcessSample(at_ns=40, cpu_ns=5, rss_bytes=6, processes=2),),
        load=words.LoadSummary(wall_ns=7_980, cpu_ns=90, lag_p99_ns=3, reconnects=0, generator_bound=True),
        routes=("GET /health",),
        unmeasured=(words.Unmeasured(route="POST /upload", reason="needs a body"),),
        degradations=(words.Degradation(slug="no-ptrace", text="py-spy is not permitted."),),
        errors=("ValueError: \u6f22\U0001f600",),
        streams=(
            words.StreamTotals(
                stream="work",
                generator="wrk",
                wall_ns=7_000,
                answered=6,
                failed=2,
                timeouts=1,
                body_bytes=12,
                min_ns=1,
                mean_ns=5,
                sd_ns=2,
                max_ns=9,
                within_sd=4,
                percentiles=(words.Percentile(percent=99.9, ns=9),),
                connect_p50_ns=3,
                connect_p99_ns=4,
                connect_max_ns=5,
            ),
        ),
        counters=(words.Counter(name="listen_overflows", amount=2_590),),
        limits=(
            words.Limit(
                resource=words.LimitedResource.MEMORY,
                amount=100 << 20,
                mechanism="cgroup v1",
                cannot="It limits no swap.",
                peak_bytes=99 << 20,
                killed=2,
                held_back_ns=4,
            ),
        ),
        incidents=(words.Incident(kind=words.IncidentKind.LOST_WORKERS, text="2 workers died.", count=2),),
        attempts=(words.Attempt(culprit=1, remedy="native@app.py:7"),),
        answers=(
            words.Answer(
                route="GET /a",
                number=2,
                status=200,
                content_type="text/plain",
                sha256="5e",
                excerpt="häl\x00",
            ),
        ),
        pickling=(words.Pickling(messages=3, octets=300, ns=5),),
    )


def write_run(writer: RecordingWriter, run: words.Run) -> int:
    """Write a whole run as the runner does."""
    run_id = writer.begin_run(run.cell, run.trial, started_ns=run.started_ns)
    for table in tables.RUN_TABLES:
        getattr(writer, f"add_{table.attribute}")(run_id, getattr(run, table.attribute))
    writer.end_run(
        run_id,
        run.status,
        ended_ns=run.ended_ns,
        load_started_ns=run.load_started_ns,
        load_ended_ns=run.load_ended_ns,
        failure=run.failure,
        load=run.load,
        routes=run.routes,
        unmeasured=run.unmeasured,
        degradations=run.degradations,
        errors=run.errors,
    )
    return run_id


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A finished recording."""
    path = tmp_path / "some folder" / "run #1?.diag"
    with RecordingWriter(path, META) as writer:
        write_run(writer, full_run())
        writer.add_source("/home/user/shop/work.py", "def work():\n    ...\n")
    return path


def tamper(path: Path, statement: str) -> None:
    """Change a recording behind diag's back."""
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def failure(path: Path, **options: float) -> RecordingError:
    """The error that reading gives; it must have all three parts."""
    with pytest.raises(RecordingError) as caught:
        read_recording(path, **options)
    assert caught.value.what
    assert caught.value.cause
    assert caught.value.next_step
    return caught.value


def test_what_is_written_is_read_back(stored: Path) -> None:
    """Every field of every value survives."""
    seen = read_recording(stored)
    assert seen.meta == replace(META, finished=True)
    assert seen.runs == (full_run(),)
    assert seen.sources == {"/home/user/shop/work.py": "def work():\n    ...\n"}


def test_runs_keep_their_own_rows(tmp_path: Path) -> None:
    """Rows of two runs that were written interleaved are told apart."""
    path = tmp_path / "two.diag"
    with RecordingWriter(path, META) as writer:
        first, second = writer.begin_run(CELL, 1), writer.begin_run(replace(CELL, label="native"), 1)
        writer.add_requests(second, [request(2)])
        writer.add_requests(first, [request(1)])
        writer.add_requests(second, [request(3)])
    runs = read_recording(path).runs
    assert [run.cell.label for run in runs] == ["blocking", "native"]
    assert [run.requests for run in runs] == [(request(1),), (request(2), request(3))]


def test_nothing_lies_beside_a_recording(stored: Path) -> None:
    """There is one file, while it is written as well as afterwards."""
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]
    with RecordingWriter(stored, META) as writer:
        writer.begin_run(CELL, 1)
        assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_the_columns_of_each_table_are_the_fields_of_its_value(stored: Path) -> None:
    """A field that is added to a value without a column is noticed here."""
    connection = sqlite3.connect(stored)
    for table in tables.RUN_TABLES:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")]
        assert columns == ["run_id", *table.columns]
    connection.close()
    assert {table.attribute for table in tables.RUN_TABLES} <= set(tables.columns_of(words.Run))


def test_each_frame_is_stored_once(stored: Path) -> None:
    """Stacks that share frames refer to them."""
    connection = sqlite3.connect(stored)
    assert connection.execute("SELECT count(*) FROM frame").fetchone() == (2,)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.close()


def test_it_is_read_while_it_is_written(tmp_path: Path) -> None:
    """What was committed is there, and `finished` is False."""
    path = tmp_path / "live.diag"
    with RecordingWriter(path, META) as writer:
        run_id = writer.begin_run(CELL, 1)
        writer.add_requests(run_id, [request(1)])
        seen = read_recording(path)
        assert not seen.meta.finished
        assert seen.runs[0].status is words.RunStatus.RUNNING
        assert len(seen.runs[0].requests) == 1
        writer.add_requests(run_id, [request(2)])
        assert len(read_recording(path).runs[0].requests) == 2


KILLED_WRITER = """
    import sys
    from pathlib import Path
    sys.path[:0] = [sys.argv[2]]
    from test_recording import CELL, META, request
    from diag.store import RecordingWriter

    writer = RecordingWriter(Path(sys.argv[1]), META)
    run_id = writer.begin_run(CELL, 1)
    number = 0
    while True:
        writer.add_requests(run_id, [request(number + i) for i in range(500)])
        number += 500
        print(number, flush=True)
"""


def test_a_killed_writer_leaves_a_readable_recording(tmp_path: Path) -> None:
    """Killed at many moments of writing, all that was committed is there; reading changes nothing."""
    for moment in range(12):
        path = tmp_path / f"killed-{moment}.diag"
        command = [
            sys.executable,
            "-c",
            textwrap.dedent(KILLED_WRITER),
            str(path),
            str(Path(__file__).parent),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            committed = [int(process.stdout.readline()) for _ in range(1 + moment)][-1]
            time.sleep(0.0007 * moment)  # spreads the kill over the phases of a commit
            process.send_signal(signal.SIGKILL)
        before = {file.name: file.read_bytes() for file in tmp_path.glob(f"{path.name}*")}
        seen = read_recording(path)
        assert not seen.meta.finished
        assert len(seen.runs[0].requests) >= committed
        assert len(seen.runs[0].requests) % 500 == 0
        assert before == {file.name: file.read_bytes() for file in tmp_path.glob(f"{path.name}*")}


def half_committed(path: Path) -> None:
    """Leave `path` as a writer killed in the middle of a commit does: changed pages and a journal."""
    with RecordingWriter(path, META) as writer:
        run_id = writer.begin_run(CELL, 1)
        writer.add_requests(run_id, [request(number) for number in range(1_000)])
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")  # so that changed pages are written before the commit
        connection.execute("BEGIN")
        connection.execute("UPDATE request SET route = 'GET /never-committed'")
        for name in (path, path.with_name(path.name + "-journal")):
            shutil.copyfile(name, name.with_name("half-" + name.name))
        connection.execute("ROLLBACK")
        connection.close()


def test_a_half_done_commit_is_rolled_back_on_a_copy(tmp_path: Path) -> None:
    """The journal that a kill in mid-commit leaves is applied, without touching the files."""
    half_committed(tmp_path / "a.diag")
    path = tmp_path / "half-a.diag"
    assert b"/never-committed" in path.read_bytes()
    before = path.read_bytes()
    seen = read_recording(path)
    assert {item.route for item in seen.runs[0].requests} == {"GET /health"}
    assert path.read_bytes() == before
    assert path.with_name("half-a.diag-journal").exists()


READ_AS_NOBODY = """
    import os, sys
    from diag.store import read_recording
    if os.getuid() == 0:  # permission bits do not hold for root
        os.setgid(65534)
        os.setuid(65534)
    print(len(read_recording(sys.argv[1]).runs[0].requests), os.access(os.path.dirname(sys.argv[1]), os.W_OK))
"""


def test_a_read_only_folder_is_enough() -> None:
    """Both a finished and a half-committed recording open where nothing can be written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        half_committed(folder / "a.diag")
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        try:
            for file in ("a.diag", "half-a.diag"):
                command = [sys.executable, "-c", textwrap.dedent(READ_AS_NOBODY), str(folder / file)]
                answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path.cwd())
                assert answer.stdout.split() == ["1000", "False"], answer.stderr
        finally:
            folder.chmod(0o755)


def test_an_exception_leaves_the_recording_unfinished(tmp_path: Path) -> None:
    """What was seen before is kept."""
    path = tmp_path / "a.diag"
    with pytest.raises(KeyboardInterrupt), RecordingWriter(path, META) as writer:
        writer.begin_run(CELL, 1)
        raise KeyboardInterrupt
    assert not read_recording(path).meta.finished
    assert len(read_recording(path).runs) == 1


def test_finishing_twice_does_no_harm(tmp_path: Path) -> None:
    """`finish` inside of the context manager is fine."""
    with RecordingWriter(tmp_path / "a.diag", META) as writer:
        writer.finish()
    assert read_recording(tmp_path / "a.diag").meta.finished


def test_writing_after_the_end_is_an_error_of_its_own(tmp_path: Path) -> None:
    """A closed writer says so."""
    with RecordingWriter(tmp_path / "a.diag", META) as writer:
        pass
    with pytest.raises(RecordingError, match="closed"):
        writer.begin_run(CELL, 1)


def test_an_earlier_recording_is_replaced(stored: Path) -> None:
    """Running again with the same --output gives the new run only."""
    with RecordingWriter(stored, META):
        pass
    assert read_recording(stored).runs == ()


@pytest.mark.parametrize("content", [b"notes of three years", b"SQLite format 3\0" + bytes(4_080)])
def test_what_is_no_recording_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    """Another file, or another program's database, stays as it is."""
    path = tmp_path / "thesis.txt"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="not overwritten"):
        RecordingWriter(path, META)
    assert path.read_bytes() == content


def test_devices_and_folders_are_not_written_to(tmp_path: Path) -> None:
    """`-o /dev/null` must not remove /dev/null."""
    for path in (Path(os.devnull), tmp_path):
        with pytest.raises(RecordingError, match="not overwritten"):
            RecordingWriter(path, META)
        assert path.exists()


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    """A file is in the way of the folder."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecordingError) as caught:
        RecordingWriter(tmp_path / "file" / "a.diag", META)
    assert "--output" in caught.value.next_step


FULL_DISK = """
    import resource, sys
    sys.path[:0] = [sys.argv[2]]
    from test_recording import CELL, META, request
    from diag.errors import RecordingError
    from diag.store import RecordingWriter, read_recording

    writer = RecordingWriter(sys.argv[1], META)
    run_id = writer.begin_run(CELL, 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        while True:
            writer.add_requests(run_id, [request(i) for i in range(1_000)])
    except RecordingError as error:
        print(error.slug, error.cause)
    print(len(read_recording(sys.argv[1]).runs[0].requests))
"""


def test_a_full_disk_is_explained_and_keeps_what_was_there(tmp_path: Path) -> None:
    """A limit on file sizes stands for a full disk: both refuse the write."""
    command = [
        sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path / "a.diag"), str(Path(__file__).parent)
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    message, count = answer.stdout.splitlines()
    assert message.startswith("recording-unwritable The disk is full")
    assert int(count) >= 1_000
    assert int(count) % 1_000 == 0


def test_undecodable_names_are_written_as_escapes(tmp_path: Path) -> None:
    """A file name that is not UTF-8 reaches Python with lone surrogates, which SQLite refuses."""
    bad = os.fsdecode(b"caf\xe9.py")
    path = tmp_path / "a.diag"
    with RecordingWriter(path, replace(META, target=bad, argv=(bad,))) as writer:
        run_id = writer.begin_run(replace(CELL, target=bad), 1)
        writer.add_stacks(run_id, [replace(full_run().stacks[0], frames=(replace(SLEEP, path=bad),))])
        writer.add_source(bad, bad)
        writer.end_run(run_id, words.RunStatus.FAILED, failure=bad, errors=[bad])
    seen = read_recording(path)
    assert seen.meta.target == "caf\\udce9.py"
    assert seen.runs[0].stacks[0].frames[0].path == "caf\\udce9.py"
    assert seen.runs[0].errors == ("caf\\udce9.py",)
    assert seen.sources == {"caf\\udce9.py": "caf\\udce9.py"}


def test_a_hundred_thousand_requests_take_seconds_at_most(tmp_path: Path) -> None:
    """CPU time counts, so that a loaded machine does not matter."""
    requests = [request(number) for number in range(100_000)]
    path = tmp_path / "a.diag"
    before = time.process_time()
    with RecordingWriter(path, META) as writer:
        run_id = writer.begin_run(CELL, 1)
        for start in range(0, len(requests), 1_000):
            writer.add_requests(run_id, requests[start : start + 1_000])
    written = time.process_time()
    assert read_recording(path).runs[0].requests == tuple(requests)
    assert written - before < 2
    assert time.process_time() - written < 4


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    """The next command looks at the path."""
    error = failure(tmp_path / "none.diag")
    assert error.cause == "There is no such file."
    assert error.slug == "recording-unreadable"


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    """It is said instead of an OSError."""
    assert "is not a file" in failure(tmp_path).what


def test_an_empty_file_is_explained(tmp_path: Path) -> None:
    """It is what a run that was stopped at once leaves."""
    (tmp_path / "a.diag").touch()
    assert failure(tmp_path / "a.diag").slug == "recording-empty"


def test_another_file_is_told_from_another_database(tmp_path: Path) -> None:
    """Both are no recordings."""
    text = tmp_path / "a.txt"
    text.write_text("hello " * 100)
    assert "another kind of file" in failure(text).cause
    other = tmp_path / "b.db"
    tamper(other, "CREATE TABLE t (x)")
    assert "another program" in failure(other).cause


def test_a_newer_recording_says_who_wrote_it(stored: Path) -> None:
    """The version of diag in it tells what to upgrade to."""
    tamper(stored, "UPDATE meta SET diag_version = '9.9.1'")
    tamper(stored, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    error = failure(stored)
    assert error.slug == "recording-version"
    assert "diag 9.9.1, which is newer" in error.cause
    assert "--upgrade" in error.next_step


@pytest.mark.parametrize("keep", [100, 5_000, 20_000])
def test_a_truncated_recording_is_explained(stored: Path, keep: int) -> None:
    """Cut anywhere, it is an error and not half an answer."""
    data = stored.read_bytes()
    stored.write_bytes(data[:keep])
    assert failure(stored).slug == "recording-truncated"


def test_a_locked_recording_is_explained(stored: Path) -> None:
    """After some patience, the reader says what is in the way."""
    connection = sqlite3.connect(stored, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert failure(stored, lock_timeout_s=0.05).slug == "recording-locked"
    connection.execute("ROLLBACK")
    connection.close()
    assert read_recording(stored).meta.finished


TAMPERINGS = [
    "UPDATE request SET sent_ns = 'soon'",
    "UPDATE request SET done_ns = sent_ns - 1",
    "UPDATE request SET status = 1e300",
    "UPDATE request SET route = zeroblob(10)",
    "UPDATE step SET cpu_ns = -1",
    "UPDATE step SET waiters = '[{\"label\": 3}]'",
    "UPDATE step SET waiters = '{'",
    "UPDATE step SET waiters = x'ff'",
    "UPDATE step SET label = CAST(x'ff' AS TEXT)",
    "UPDATE step SET waiters = printf('%.*c', 200000, '[')",
    "UPDATE lane SET kind = 'trio'",
    "UPDATE stack SET frames = '[99]'",
    "UPDATE stack SET frames = '[\"1\"]'",
    "UPDATE stack SET frames = '7'",
    "UPDATE stack SET active = 2",
    "UPDATE frame SET line = -1",
    "UPDATE run SET status = 'fine'",
    "UPDATE run SET load_summary = '[]'",
    "UPDATE run SET started_ns = -5",
    "UPDATE run SET routes = 'null'",
    "UPDATE meta SET machine = '[]'",
    "UPDATE meta SET finished = 'yes'",
    "UPDATE meta SET threshold_ns = 'low'",
    "UPDATE source SET text = zeroblob(70000000)",
    "INSERT INTO meta SELECT * FROM meta",
    "DELETE FROM meta",
    "DROP TABLE request",
    "ALTER TABLE request RENAME COLUMN port TO porto",
    "ALTER TABLE run RENAME COLUMN routes TO r",
    "ALTER TABLE stack DROP COLUMN frames",
    "ALTER TABLE request DROP COLUMN run_id",
]


@pytest.mark.parametrize("statement", TAMPERINGS)
def test_a_tampered_recording_is_refused(stored: Path, statement: str) -> None:
    """Values that no diag writes are an error with a cause, never a traceback."""
    tamper(stored, statement)
    assert failure(stored).slug == "recording-damaged"


def test_a_view_in_place_of_a_table_is_refused(stored: Path) -> None:
    """It could run for ever."""
    tamper(stored, "DROP TABLE state")
    tamper(
        stored,
        "CREATE VIEW state AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n",
    )
    assert "state is missing" in failure(stored).cause


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_random_damage_never_gives_a_traceback(data: st.DataObject) -> None:
    """Bytes overwritten anywhere give a recording or a RecordingError, nothing else."""
    original = damaged_base()
    content = bytearray(original)
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(content) - 1))
        junk = data.draw(st.binary(min_size=1, max_size=64))
        content[start : start + len(junk)] = junk[: len(content) - start]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.diag"
        path.write_bytes(content)
        try:
            assert isinstance(read_recording(path, lock_timeout_s=0.1), words.Recording)
        except RecordingError as error:
            assert error.next_step


def damaged_base() -> bytes:
    """A recording's bytes, to be damaged."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.diag"
        with RecordingWriter(path, META) as writer:
            write_run(writer, full_run())
        return path.read_bytes()


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        (1, ("streams", "counters", "limits", "incidents", "attempts", "answers", "pickling")),
        (2, ("limits", "incidents", "attempts", "answers", "pickling")),
    ],
)
def test_a_recording_of_an_older_schema_is_still_read(
    tmp_path: Path, version: int, missing: tuple[str, ...]
) -> None:
    """What came later is missing in it; all else is there."""
    path = tmp_path / "old.diag"
    with RecordingWriter(path, META) as writer:
        write_run(writer, full_run())
    for table in tables.RUN_TABLES:
        if table.attribute in missing:
            tamper(path, f"DROP TABLE {table.name}")
    tamper(path, "DROP TABLE proposed")
    tamper(path, f"PRAGMA user_version = {version}")
    (run,) = read_recording(path).runs
    assert run == replace(full_run(), **dict.fromkeys(missing, ()))


def test_a_finished_recording_is_written_on(stored: Path) -> None:
    """Runs are numbered on, frames are stored once, and it stays finished also if that is broken off."""
    proposed = words.Proposed(culprit=1, kind="remedy", value="{}", predicted_ns=7)
    writer = RecordingWriter(stored, None)
    assert write_run(writer, full_run()) == 2
    writer.add_proposed([proposed])
    writer.close()
    seen = read_recording(stored)
    assert seen.meta.finished
    assert seen.runs == (full_run(), replace(full_run(), run_id=2))
    assert seen.proposed == (proposed,)
    with sqlite3.connect(stored) as connection:
        (frames, different) = connection.execute(
            "SELECT count(*), count(DISTINCT path || line || function) FROM frame"
        ).fetchone()
    connection.close()
    assert frames == different


def test_a_recording_that_is_not_there_is_not_written_on(tmp_path: Path) -> None:
    with pytest.raises(RecordingError):
        RecordingWriter(tmp_path / "none.diag", None)
    assert not (tmp_path / "none.diag").exists()


def test_a_recording_is_never_seen_empty_not_even_when_it_has_just_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.diag"
    connect = sqlite3.connect
    seen: list[bool] = []

    def watched(database: object, **options: object) -> sqlite3.Connection:
        monkeypatch.setattr(sqlite3, "connect", connect)  # the reader uses it as well
        if database != ":memory:":
            seen.append(read_recording(path).meta.finished)
        monkeypatch.setattr(sqlite3, "connect", watched)
        return connect(database, **options)

    monkeypatch.setattr(sqlite3, "connect", watched)
    with RecordingWriter(path, META):
        pass
    assert seen == [False]
