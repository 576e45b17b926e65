"""That every summary is well-formed, and that names are answered as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.finding import Severity
from diag.static.finding import BlockKind
from diag.static.knowledge import Knowledge
from diag.static.knowledge.effects import read_summary, severity_of
from diag.static.knowledge.lookup import FOLDER, HAND

FILES = [FOLDER / "stdlib.toml", *sorted(HAND.glob("*.toml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_summary_is_well_formed(path: Path):
    """Its severities are known, every group says why, and no call has two effects."""
    summary = read_summary(path)
    seen: list[str] = summary.harmless.split()
    for group in summary.blocking:
        severity_of(group.severity)
        assert group.why
        assert not group.why.endswith(".")
        seen += group.calls.split()
    assert sorted(seen) == sorted(set(seen))
    if path.parent == HAND:
        for name in seen:
            assert name.startswith(path.stem.partition(".")[0]), name


def test_at_least_two_hundred_packages_are_known():
    """Those written by hand alone."""
    assert len(FILES) > 200


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("time.sleep", "time.sleep"),
        ("redis.StrictRedis.hget", "redis.Redis.hget"),
        ("redis.client.Redis.get", "redis.Redis.get"),
        ("concurrent.futures.ThreadPoolExecutor.shutdown", "concurrent.futures.Executor.shutdown"),
        ("google.cloud.storage.Blob.exists", "google.cloud.storage.Blob.exists"),
        ("boto3.client().put_object", "boto3.client().put_object"),
    ],
)
def test_aliases_bases_and_stars_are_followed(name, call):
    """A name is answered by what it is another name of."""
    effect = Knowledge().effect(name)
    assert effect is not None
    assert effect.call == call


@pytest.mark.parametrize("name", ["redis.Redis.pipeline", "redis.asyncio.Redis.get", "time.time", "httpx.AsyncClient.get", "nothing.at.all"])
def test_what_is_not_known_to_block_has_no_effect(name):
    """Asynchronous classes with the same method names among them."""
    assert Knowledge().effect(name) is None


def test_severity_and_kind_are_separate():
    """Waiting and computing, hurting and harmless."""
    knowledge = Knowledge()
    effects = [knowledge.effect(name) for name in ("hashlib.scrypt", "os.stat", "open")]
    assert [(one.kind, one.severity) for one in effects] == [
        (BlockKind.COMPUTE, Severity.ERROR),
        (BlockKind.WAIT, Severity.INFO),
        (BlockKind.WAIT, Severity.WARNING),
    ]


def test_a_summary_is_read_when_its_module_is_asked_for():
    """And only then."""
    knowledge = Knowledge()
    assert not knowledge.used
    knowledge.effect("google.cloud.storage.Blob.exists")
    assert knowledge.used == {"google.cloud.storage"}


def test_an_unknown_severity_is_refused():
    """With what would be right."""
    with pytest.raises(ValueError, match="info, warning or error"):
        severity_of("high")
