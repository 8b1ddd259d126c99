"""Equal rows and overlapping spans, by hand and against a comparison of every two rows."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from glad.check.spans import clashes, first_equals, overlapping_pairs, overlaps

ROWS = st.lists(st.tuples(*(st.integers(0, top) for top in (3, 12, 5, 2))), max_size=30)


def columns(rows: list[tuple[int, int, int, int]]) -> tuple[np.ndarray, ...]:
    """Return group, start, stop, label."""
    table = np.array(rows, np.int64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 1] + table[:, 2] + 1, table[:, 3]


def share(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] == b[0] and bool({*range(a[1], a[1] + a[2] + 1)} & {*range(b[1], b[1] + b[2] + 1)})


def test_by_hand():
    group, start, stop = (np.array(values) for values in ([0, 0, 0, 1, 0], [0, 5, 9, 0, 0], [5, 10, 12, 50, 5]))
    label = np.array([0, 0, 1, 1, 1])
    assert first_equals(group, start, stop).tolist() == [0, 1, 2, 3, 0]
    assert first_equals(group, start, stop, label).tolist() == [0, 1, 2, 3, 4]
    assert overlaps(group, start, stop).tolist() == [1, 1, 1, 0, 1]
    assert clashes(group, start, stop, label).tolist() == [1, 1, 1, 0, 1]
    assert [a.tolist() for a in overlapping_pairs(group, start, stop, 100)] == [[0, 1], [4, 2]]


@given(ROWS)
def test_it_is_what_comparing_every_two_rows_gives(rows):
    group, start, stop, label = columns(rows)
    pairs = [(i, j) for i, j in combinations(range(len(rows)), 2) if share(rows[i], rows[j])]
    apart = [(i, j) for i, j in pairs if rows[i][3] != rows[j][3]]
    assert overlaps(group, start, stop).tolist() == [sum(k in pair for pair in pairs) for k in range(len(rows))]
    assert clashes(group, start, stop, label).tolist() == [sum(k in pair for pair in apart) for k in range(len(rows))]
    a, b = overlapping_pairs(group, start, stop, 10_000)
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == pairs
    assert first_equals(group, start, stop, label).tolist() == [rows.index(row) for row in rows]


@given(ROWS, st.integers(0, 40))
def test_a_limit_ends_the_pairs_early_and_invents_none(rows, limit):
    group, start, stop, _ = columns(rows)
    everything = set(zip(*overlapping_pairs(group, start, stop, 10_000), strict=True))
    some = set(zip(*overlapping_pairs(group, start, stop, limit), strict=True))
    assert some <= everything and len(some) >= min(limit, len(everything))


def test_labels_of_any_size_and_none():
    group, start = np.zeros(2, np.int64), np.zeros(2, np.int64)
    stop = np.full(2, 2**32 - 1)
    assert clashes(group, start, stop, np.array([2**31 - 1, 0])).tolist() == [1, 1]
    assert clashes(group, start, stop, np.array([-1, -1])).tolist() == [0, 0]
