"""Paths and frames in memory are videos alike, and what is neither is refused."""

import numpy as np
import pytest

from glad.data.held import Given, HeldVideo, name_of, video_of
from glad.data.video import open_video
from glad.errors import UserError


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)


def test_frames_in_memory_are_a_video(frames):
    video = video_of(frames)
    assert isinstance(video, HeldVideo) and len(video) == 5
    assert np.array_equal(video.frames([3, 0, 3]), frames[[3, 0, 3]])
    streamed = list(video.stream(np.array([1, 4])))
    assert len(streamed) == 2 and np.array_equal(np.stack(streamed), frames[[1, 4]])


def test_a_path_and_its_text_are_the_video_there(make_folder, tmp_path):
    path = make_folder(tmp_path / "a", count=4)
    assert len(video_of(path)) == len(video_of(str(path))) == 4
    given = Given((path, str(path), open_video(path).frames([0, 1])))
    assert len(given) == 3 and [len(given.video(index)) for index in range(3)] == [4, 4, 2]
    assert [given[index].path for index in range(3)] == [str(path), str(path), "2 frames"]
    assert given[0].label is None and name_of(path) == str(path)


@pytest.mark.parametrize(
    "shape, kind, told",
    [
        ((5, 4, 6, 3), np.float32, "these are float32 (5, 4, 6, 3)"),
        ((4, 6, 3), np.uint8, "these are uint8 (4, 6, 3)"),
        ((5, 3, 4, 6), np.uint8, "these are uint8 (5, 3, 4, 6)"),
        ((0, 4, 6, 3), np.uint8, "these are uint8 (0, 4, 6, 3)"),
    ],
)
def test_other_arrays_are_refused(shape, kind, told):
    with pytest.raises(UserError) as refused:
        video_of(np.zeros(shape, kind))
    assert str(refused.value) == f"frames are uint8 (t, h, w, 3), RGB, at least one; {told}"
