"""Requests in rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diag.reports.html.rows import MOST_GROUPS, OTHERS, pack

REQUESTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 100), st.integers(1, 30)), max_size=60
).map(
    lambda some: sorted(((label, start, start + length) for label, start, length in some), key=lambda r: r[1])
)


@given(REQUESTS)
def test_no_two_of_a_row_meet(requests: list[tuple[str, int, int]]) -> None:
    """And there are no more rows than were needed at once."""
    placed, groups = pack(requests)
    for number, group in enumerate(groups):
        own = [(r, p) for r, p in zip(requests, placed, strict=True) if p.group == number]
        assert {request[0] for request, _ in own} == {group.label}
        assert group.count == len(own)
        for at in range(132):
            rows = [p.row for (_, start, end), p in own if start <= at < end]
            assert len(rows) == len(set(rows))
        needed = max(sum(s <= at < e for (_, s, e), _ in own) for at in range(132))
        assert group.rows == needed


def test_rare_routes_share_a_group() -> None:
    """Where there are more routes than a page has room for."""
    requests = [(f"r{number:02}", number, number + 1) for number in range(20)] * 1
    requests += [("r00", 50, 51)]
    _, groups = pack(requests)
    assert len(groups) == MOST_GROUPS
    assert groups[-1].label == OTHERS
    assert sum(group.count for group in groups) == len(requests)


def test_nothing() -> None:
    """No request, no row."""
    assert pack([]) == ((), ())
