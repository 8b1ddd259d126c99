"""The search for medians as one compiled loop, for those who have numba: about three times as fast as by NumPy."""

from collections.abc import Callable
from functools import cache
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

_WIDTH = 2048  # values searched at a time: what is known of them stays in the innermost cache
_ROWS = 252  # frames counted at a time, a multiple of 4; at most 255, so that their counts fit into bytes


@cache
def compiled_median() -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None:
    """Return a function that finds the median of uint8 `(t, p)` over its rows, `(p,)`; None without numba.

    It is compiled once for a machine (two seconds) and kept where numba keeps such things, if it may write there.
    """
    try:
        jit = import_module("numba").njit
    except ImportError:  # of numba, or by numba, which knows the versions of NumPy it works with
        return None
    try:
        find = jit(nogil=True, cache=True)(search)
    except RuntimeError:  # there is no place to keep it
        find = jit(nogil=True)(search)

    def median(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        found = np.empty(values.shape[1], np.uint8)
        find(values, found)
        return found

    return median


def search(values: NDArray[np.uint8], found: NDArray[np.uint8]) -> None:
    """Write the median of `(t, p)` over its rows to `found` `(p,)`, cut to bytes; written to be compiled.

    It goes bit by bit, as in `glad.data.median`. Every inner loop is over values side by side and without branches,
    so that the compiler makes it one over 32 or 64 of them at a time.
    """
    t, size = values.shape
    below = (t - 1) // 2
    median, trial, part = np.empty(_WIDTH, np.uint8), np.empty(_WIDTH, np.uint8), np.empty(_WIDTH, np.uint8)
    count, surplus = np.empty(_WIDTH, np.uint32), np.empty(_WIDTH, np.uint32)
    for left in range(0, size, _WIDTH):
        width = min(_WIDTH, size - left)
        median[:] = 0
        surplus[:] = t  # how many values, beyond those `below + 1`, are at most the median
        for place in range(8):
            bit = np.uint8(128 >> place)
            for j in range(width):
                trial[j] = median[j] | bit
                count[j] = 0  # of values smaller than `trial`
            for top in range(0, t, _ROWS):
                bottom = min(top + _ROWS, t)
                part[:] = 0
                fours = top + (bottom - top) // 4 * 4
                for i in range(top, fours, 4):
                    a, b = values[i, left : left + width], values[i + 1, left : left + width]
                    c, d = values[i + 2, left : left + width], values[i + 3, left : left + width]
                    for j in range(width):
                        x = trial[j]
                        smaller = np.uint8(a[j] < x) + np.uint8(b[j] < x) + np.uint8(c[j] < x) + np.uint8(d[j] < x)
                        part[j] = np.uint8(part[j] + smaller)
                for i in range(fours, bottom):
                    a = values[i, left : left + width]
                    for j in range(width):
                        part[j] = np.uint8(part[j] + np.uint8(a[j] < trial[j]))
                for j in range(width):
                    count[j] += part[j]
            for j in range(width):
                if count[j] <= below:
                    median[j] = trial[j]
                else:
                    surplus[j] = min(surplus[j], np.uint32(count[j] - below - 1))
        if t % 2 == 0:
            # Where the upper of the two middle values is another one, it is the next larger value there is.
            upper = part
            upper[:] = 255
            for i in range(t):
                a = values[i, left : left + width]
                for j in range(width):
                    larger = a[j] if a[j] > median[j] else np.uint8(255)
                    upper[j] = min(upper[j], larger)
            for j in range(width):
                if surplus[j] == 0:
                    median[j] = np.uint8((np.uint16(median[j]) + np.uint16(upper[j])) >> 1)
        found[left : left + width] = median[:width]
