"""Specs survive JSON, and a wrong one is refused by the name of the field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.load.spec import Closed, LoadSpec, Open, Request, Stream

REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    path=st.sampled_from(["/", "/a?b=%20c"]),
    headers=st.just(()) | st.just((("X-A", "b c"), ("Accept", "*/*"))),
    body=st.binary(max_size=50),
    weight=st.integers(1, 9),
    label=st.text(max_size=10),
)
LOADS = st.builds(Closed, users=st.integers(1, 99), think_ns=st.integers(0, 10**9)) | st.builds(
    Open,
    rate=st.floats(0.1, 1e5),
    arrivals=st.sampled_from(["constant", "poisson"]),
    offsets_ns=st.just((0, 7)),
    order=st.just((0, 0)),
)
STREAMS = st.builds(
    Stream,
    requests=st.lists(REQUESTS, min_size=1, max_size=3).map(tuple),
    load=LOADS,
    name=st.text(max_size=5),
    duration_ns=st.none() | st.integers(1, 10**12),
    total=st.none() | st.integers(1, 10**6),
    keep_alive=st.booleans(),
    http=st.sampled_from(["1.1", "1.0"]),
)
SPECS = st.builds(
    LoadSpec,
    port=st.integers(1, 65535),
    streams=st.lists(STREAMS, min_size=1, max_size=3).map(tuple),
    records_path=st.just("/tmp/x"),
    seed=st.integers(-(2**40), 2**40),
    cpu=st.none() | st.just(1),
)


@given(SPECS)
def test_a_spec_survives_json_on_one_line(spec: LoadSpec) -> None:
    line = spec.to_json()
    assert "\n" not in line
    assert LoadSpec.from_json(line) == spec


def test_a_request_is_labelled_by_method_and_path() -> None:
    assert Request(method="POST", path="/cart").label == "POST /cart"
    assert Request(label="the cart").label == "the cart"


def _form(**changes: Any) -> str:
    request = {"path": "/", "weight": 1}
    stream = {"requests": [request], "load": {"kind": "closed", "users": 1}}
    form: dict[str, Any] = {"port": 80, "records": "histogram", "streams": [stream]}
    for where, value in changes.items():
        target: Any = form
        *way, last = where.split("__")
        for step in way:
            target = target[int(step)] if step.isdigit() else target[step]
        target[last] = value
    return json.dumps(form)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"port": 0}, "port: expected an integer of at least 1 and at most 65535, got 0"),
        ({"port": "80"}, "port: expected an integer"),
        ({"streams": []}, "streams: expected at least one stream"),
        ({"streams": 3}, "streams: expected a list, got 3"),
        ({"speed": 3}, "speed: expected a field of LoadSpec"),
        ({"records": "full"}, "records_path: expected a path"),
        ({"records": "some"}, "records: expected 'full' or 'histogram', got 'some'"),
        ({"streams__0__total": 0}, "streams[0].total: expected an integer of at least 1, got 0"),
        ({"streams__0__http": "2"}, "streams[0].http: expected '1.1' or '1.0', got '2'"),
        ({"streams__0__load__kind": "half"}, "streams[0].load.kind: expected 'closed' or 'open'"),
        ({"streams__0__load__users": True}, "streams[0].load.users: expected an integer"),
        ({"streams__0__load": {"kind": "open"}}, "streams[0].load.rate: expected a value"),
        ({"streams__0__load": {"kind": "open", "rate": 0}}, "streams[0].load.rate: expected a number"),
        (
            {"streams__0__load": {"kind": "open", "rate": 1, "connections": 9, "max_connections": 8}},
            "streams[0].load.max_connections: expected at least connections (9), got 8",
        ),
        (
            {"streams__0__load": {"kind": "open", "rate": 1, "offsets_ns": [0, 5], "order": [0]}},
            "streams[0].load.order: expected as many as offsets_ns (2), got 1",
        ),
        (
            {"streams__0__load": {"kind": "open", "rate": 1, "offsets_ns": [5, 0], "order": [0, 0]}},
            "streams[0].load.offsets_ns: expected times in order",
        ),
        (
            {"streams__0__load": {"kind": "open", "rate": 1, "offsets_ns": [5], "order": [1]}},
            "streams[0].load.order: expected numbers below 1, got 1",
        ),
        ({"streams__0__requests__0__weight": 0}, "streams[0].requests[0].weight: expected an integer"),
        ({"streams__0__requests__0__path": "a b"}, "streams[0].requests[0].path: expected a path"),
        ({"streams__0__requests__0__path": "a"}, "streams[0].requests[0].path: expected a path that starts"),
        ({"streams__0__requests__0__body": 3}, "streams[0].requests[0].body: expected base64, got 3"),
        ({"streams__0__requests__0__headers": [["a"]]}, "streams[0].requests[0].headers[0]: expected a pair"),
        (
            {"streams__0__requests__0__headers": [["A", "b\r\nC: d"]]},
            "streams[0].requests[0].headers[0]: expected a header value on one line",
        ),
        (
            {"streams__0__requests__0__headers": [["Content-Length", "3"]]},
            "streams[0].requests[0].headers[0]: expected a header that the generator does not write itself",
        ),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # compared below
        LoadSpec.from_json(_form(**changes))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("line", ["", "nonsense", "[]", "null"])
def test_what_is_not_a_spec_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="expected an object|not JSON"):
        LoadSpec.from_json(line)
