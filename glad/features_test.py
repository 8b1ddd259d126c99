"""Features come back from their file as they were; what is evenly spaced is fixed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glad.errors import UserError
from glad.features import Features, evenly, read_features, write_features


def test_a_few_are_all_and_of_many_some_evenly():
    assert evenly(3, 5) == (0, 1, 2) and evenly(0, 5) == ()
    assert evenly(10, 4) == (0, 2, 5, 7)


@given(st.integers(0, 300), st.integers(1, 60))
def test_evenly_spaced_numbers_differ_by_one_step_or_the_next(count, most):
    found = np.array(evenly(count, most))
    assert len(found) == min(count, most)
    if len(found) > 1:
        assert (
            found[0] == 0
            and found[-1] < count
            and set(np.diff(found)) <= {count // len(found), count // len(found) + 1}
        )


def test_features_come_back_as_they_were(tmp_path):
    rng = np.random.default_rng(0)
    wrote = Features(rng.normal(size=(3, 4)), np.arange(3), rng.normal(size=(2, 4)).T[:2].T, np.ones(2), step=7)
    write_features(tmp_path / "features.safetensors", wrote)
    found = read_features(tmp_path / "features.safetensors")
    assert found.step == 7 and found.source.dtype == np.float32 and found.target_labels.dtype == np.int64
    for name in ("source", "source_labels", "target", "target_labels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wrote, name).astype(getattr(found, name).dtype))


@pytest.mark.parametrize("content", [b"", b"not at all", b"\x02\0\0\0\0\0\0\0{}"])
def test_another_file_is_refused(content, tmp_path):
    (tmp_path / "f.safetensors").write_bytes(content)
    with pytest.raises(UserError, match="holds no features of a run"):
        read_features(tmp_path / "f.safetensors")
