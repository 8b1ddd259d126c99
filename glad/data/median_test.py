import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glad.data import median
from glad.data.median import temporal_median, video_median
from glad.data.video import open_video


def expected(frames: np.ndarray) -> np.ndarray:
    """The definition."""
    return np.median(frames, axis=0).astype(np.uint8)


def pixel(*levels: int) -> np.ndarray:
    return np.array(levels, np.uint8).reshape(-1, 1, 1, 1).repeat(3, 3)


@pytest.mark.parametrize(
    ("levels", "median"),
    [((7,), 7), ((3, 9, 5), 5), ((10, 15), 12), ((255, 254), 254), ((255, 255, 255, 255), 255), ((0, 0, 9, 200), 4)],
)
def test_by_hand(levels: tuple[int, ...], median: int):
    assert temporal_median(pixel(*levels)).tolist() == [[[median] * 3]]


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 6), st.integers(1, 256), st.integers(0, 2**32))
def test_it_is_numpys_median_cut_to_bytes(t: int, h: int, w: int, levels: int, seed: int):
    frames = np.random.default_rng(seed).integers(0, levels, (t, h, w, 3), np.uint8)
    np.testing.assert_array_equal(temporal_median(frames), expected(frames))
    np.testing.assert_array_equal(temporal_median([*frames]), expected(frames))


@pytest.mark.parametrize("t", [255, 256, 257, 600])
def test_long_videos(t: int):
    frames = np.random.default_rng(t).integers(0, 256, (t, 3, 4, 3), np.uint8)
    np.testing.assert_array_equal(temporal_median(frames), expected(frames))


def test_torch_would_be_wrong_for_an_even_number():
    frames = pixel(10, 20)
    assert int(torch.from_numpy(frames).median(dim=0).values[0, 0, 0]) == 10
    assert int(temporal_median(frames)[0, 0, 0]) == 15


@pytest.mark.parametrize("width", [8, 16, 40, 10_000])
def test_columns_do_not_matter(width: int, monkeypatch: pytest.MonkeyPatch):
    frames = np.random.default_rng(0).integers(0, 256, (10, 3, 4, 3), np.uint8)
    monkeypatch.setattr(median, "_COLUMN", width)
    np.testing.assert_array_equal(temporal_median(frames), expected(frames))


def test_a_moving_square_leaves_the_scene_untouched():
    scene = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    frames = np.stack([scene] * 24)
    for index, frame in enumerate(frames):
        frame[5:15, index : index + 8] = (255, 0, 255)
    assert (frames != scene).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(temporal_median(frames), scene)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((3, 4, 4, 3)),
        np.full((3, 4, 4, 3), np.nan),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((0, 4, 4, 3), np.uint8),
    ],
)
def test_only_stacks_of_bytes_have_a_median(frames: np.ndarray):
    with pytest.raises(AssertionError):
        temporal_median(frames)


def test_the_median_of_a_video_does_not_depend_on_the_memory_it_takes(tmp_path: Path, make_movie: Callable):
    levels = np.random.default_rng(0).integers(0, 256, 30).tolist()
    video = open_video(make_movie(tmp_path / "a.mp4", count=30, levels=levels))
    whole = expected(video.frames(range(30)))
    for size in (1, 30 * 64 * 3 * 7, 10**9):
        np.testing.assert_array_equal(video_median(video, size), whole)


def test_the_median_of_a_span_is_that_of_its_frames(tmp_path: Path, make_folder: Callable):
    make_folder(tmp_path / "a", count=10)
    assert abs(video_median(open_video(tmp_path / "a", offset=6, length=3)).mean() - (16 + 3 * 7)) < 1.5


def test_memory_that_serves_again_changes_nothing(tmp_path: Path, make_folder: Callable):
    spare = []
    for place, (count, size) in enumerate([(9, (7, 5)), (30, (16, 12)), (4, (3, 3)), (1, (2, 2)), (9, (7, 5))]):
        make_folder(tmp_path / str(place), count=count, size=size)
        video = open_video(tmp_path / str(place))
        held = sum(memory.size for memory in spare)
        found = video_median(video, spare=spare)
        np.testing.assert_array_equal(found, expected(video.frames(range(count))))
        assert len(spare) == 1 and spare[0].size >= max(held, found.size * count)


def test_a_real_clip(shared_data: Path):
    video = open_video(shared_data / "real_clips" / "mmaction2_part_0.mp4")
    np.testing.assert_array_equal(video_median(video), expected(video.frames(range(32))))


MEMORY = """
import sys
from pathlib import Path
from glad.data.median import temporal_median, video_median
from glad.data.video import open_video

def peak():
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

video = open_video(Path(sys.argv[1]))
video.frames([0, 1])
temporal_median(video.frames([0, 1]))  # what is imported for it
before = peak()
found = video_median(video)
print(len(video), *found.shape, int(found[100, 100, 0]), peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the memory of a process")
def test_1500_frames_take_300_megabytes_at_most(tmp_path: Path, make_movie: Callable):
    levels = [40 + 150 * (index % 3 == 0) for index in range(1500)]
    path = make_movie(tmp_path / "a.mp4", count=1500, size=(340, 256), levels=levels, options={"preset": "ultrafast"})
    words = [sys.executable, "-c", MEMORY, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert done[:4] == ["1500", "256", "340", "3"] and abs(int(done[4]) - 40) < 3
    assert 100e6 < int(done[5]) < 300e6  # all frames together are 392e6
