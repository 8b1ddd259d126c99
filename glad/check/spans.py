"""Rows that are the same, and rows that share frames: arrays in, arrays out, a million rows in a second or two.

A row is a span of frames `start <= frame < stop` of a group (a video), with 0 <= start < stop < 2**32.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_STRIDE = 2**32


def first_equals(*columns: Ints) -> Ints:
    """Return for each row `(n,)` the first row that equals it in all columns; itself, where no earlier one does."""
    rows = np.arange(len(columns[0]))
    order = np.lexsort((rows, *columns))
    new = np.ones(len(rows), bool)
    new[1:] = np.any([column[order][1:] != column[order][:-1] for column in columns], axis=0)
    first = np.empty(len(rows), np.int64)
    first[order] = order[new][np.cumsum(new) - 1]
    return first


def overlaps(group: Ints, start: Ints, stop: Ints) -> Ints:
    """Return for each row `(n,)` how many other rows of its group share a frame with it."""
    starts, stops = group * _STRIDE + start, group * _STRIDE + stop
    begun = np.searchsorted(np.sort(starts), stops, side="left")
    over = np.searchsorted(np.sort(stops), starts, side="right")
    return begun - over - 1


def clashes(group: Ints, start: Ints, stop: Ints, label: Ints) -> Ints:
    """Return for each row `(n,)` how many rows of its group and of another label share a frame with it."""
    low = label.min(initial=0)
    same = np.unique(group * (label.max(initial=0) - low + 1) + (label - low), return_inverse=True)[1]
    return overlaps(group, start, stop) - overlaps(same, start, stop)


def overlapping_pairs(group: Ints, start: Ints, stop: Ints, limit: int) -> tuple[Ints, Ints]:
    """Return pairs of rows `(p,), (p,)` of one group that share a frame, each pair once and the earlier row first.

    They are sorted by the earlier row. There are at most about `limit` of them: a row on, no more are begun.
    """
    order = np.lexsort((start, group))
    starts = (group * _STRIDE + start)[order]
    ends = np.searchsorted(starts, (group * _STRIDE + stop)[order], side="left")
    partners = ends - np.arange(len(order)) - 1  # rows after this one, in this order, that begin before it stops
    kept = int(np.searchsorted(np.cumsum(partners), limit, side="left")) + 1
    partners = partners[:kept]
    one = np.repeat(np.arange(len(partners)), partners)
    step = np.arange(len(one)) - np.repeat(np.cumsum(partners) - partners, partners)
    a, b = order[one], order[one + 1 + step]
    a, b = np.minimum(a, b), np.maximum(a, b)
    sort = np.lexsort((b, a))
    return a[sort], b[sort]
