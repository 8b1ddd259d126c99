import sys

import numpy as np
import pytest

from glad.data import compiled_median as module
from glad.data.compiled_median import compiled_median, search
from glad.data.median import _median


def expected(values: np.ndarray) -> np.ndarray:
    """Return the median as NumPy has it, cut to bytes."""
    return np.median(values, axis=0).astype(np.uint8)


def drawn(t: int, p: int, kind: str) -> np.ndarray:
    """Return `(t, p)` bytes: noise, few different values, the extremes, or all alike."""
    rng = np.random.default_rng(t)
    return {
        "noise": rng.integers(0, 256, (t, p), np.uint8),
        "few": rng.integers(126, 130, (t, p), np.uint8),
        "extremes": rng.choice(np.array([0, 1, 254, 255], np.uint8), (t, p)),
        "alike": np.full((t, p), 200, np.uint8),
    }[kind]


@pytest.mark.parametrize("kind", ["noise", "few", "extremes", "alike"])
@pytest.mark.parametrize("t", [1, 2, 3, 4, 7, 10])
def test_the_text_that_is_compiled_finds_medians(t: int, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_WIDTH", 5)  # so that twelve values are two full turns and a part of one
    monkeypatch.setattr(module, "_ROWS", 4)
    values = drawn(t, 12, kind)
    found = np.zeros(12, np.uint8)
    search(values, found)
    np.testing.assert_array_equal(found, expected(values))


@pytest.mark.parametrize("kind", ["noise", "few", "extremes", "alike"])
@pytest.mark.parametrize("t", [1, 2, 3, 6, 251, 252, 253, 255, 256, 504, 505, 1001])
def test_what_was_compiled_finds_medians(t: int, kind: str):
    pytest.importorskip("numba")
    find = compiled_median()
    assert find is not None
    for p in (8, 2048, 2056):
        values = drawn(t, p, kind)
        np.testing.assert_array_equal(find(values), expected(values))
        np.testing.assert_array_equal(find(values), _median(values))


def test_without_numba_there_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled_median.cache_clear()
    try:
        assert compiled_median() is None
    finally:
        compiled_median.cache_clear()
