from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glad.data.gather import gathered


def numbered(index: int) -> np.ndarray:
    return np.full((2, 3, 3), index, np.uint8)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30))
def test_frames_come_in_the_order_asked_and_each_is_decoded_once(asked: list[int]):
    decoded: list[int] = []

    def stream(indices: np.ndarray) -> Iterator[np.ndarray]:
        for index in indices:
            decoded.append(int(index))
            yield numbered(index)

    found = gathered(asked, stream)
    assert found.shape == (len(asked), 2, 3, 3) and found.dtype == np.uint8
    assert found[:, 0, 0, 0].tolist() == asked
    assert decoded == sorted(set(asked))


@pytest.mark.parametrize("asked", [[], [-1, 2], [[0, 1]]])
def test_no_indices_negative_ones_and_tables_are_a_programmers_error(asked: list):
    with pytest.raises(AssertionError):
        gathered(asked, lambda indices: iter([numbered(0)]))
