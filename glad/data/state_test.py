"""A video that was changed has another state."""

import os
from pathlib import Path

import pytest

from glad.data.frames import FrameLayout
from glad.data.state import video_state

LAYOUT = FrameLayout("%d.jpg", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(5):
        (tmp_path / f"{index}.jpg").write_text("x")
    return tmp_path


def later(path: Path) -> None:
    """Change a file in place, at another time, however coarse the clock of the file system."""
    time = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(time, time))


def test_the_state_of_a_folder_shows_its_ends_or_everything(folder: Path):
    span, whole = video_state(folder, 1, 3, LAYOUT), video_state(folder)
    assert span and len(span) == 3 and whole and whole[0][0] == 5
    (folder / "3.jpg").write_text("xy")
    assert video_state(folder, 1, 3, LAYOUT) != span and video_state(folder) != whole


@pytest.mark.parametrize("name, seen", [("0.jpg", False), ("1.jpg", True), ("2.jpg", False), ("3.jpg", True)])
def test_of_a_span_a_frame_rewritten_in_place_shows_at_its_ends(name: str, seen: bool, folder: Path):
    span, whole = video_state(folder, 1, 3, LAYOUT), video_state(folder)
    later(folder / name)
    assert (video_state(folder, 1, 3, LAYOUT) != span) == seen and video_state(folder) != whole


def test_a_file_shows_its_size_and_time_and_a_missing_one_nothing(folder: Path):
    file = folder / "0.jpg"
    found = file.stat()
    assert video_state(file, 3, 4) == [[1, found.st_mtime_ns]]
    assert video_state(folder / "gone") is None
    assert video_state(folder, 3, 5, LAYOUT) is None, "it lacks the last frame of the span"
