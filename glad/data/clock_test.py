"""Frames are shown when the file says so, whatever its frame rate does."""

import numpy as np
import pytest

from glad.data.clock import clock
from glad.errors import UserError


def test_a_steady_file(make_movie, tmp_path):
    path = make_movie(tmp_path / "a.mp4", count=10)
    assert clock(path) == pytest.approx(np.arange(11) / 25)
    assert clock(str(path), fps=10) == pytest.approx(np.arange(11) / 10)


def test_a_file_whose_rate_changes_and_which_begins_late(make_movie, tmp_path):
    times = [500, 540, 580, 680, 720]
    path = make_movie(tmp_path / "a.mkv", count=5, times=times)
    assert clock(path) == pytest.approx([0, 0.04, 0.08, 0.18, 0.22, 0.26])  # the last as long as most


def test_a_file_of_one_frame_and_one_without_times(make_movie, tmp_path):
    assert clock(make_movie(tmp_path / "one.mp4", count=1)) == pytest.approx([0, 0.04])
    without = make_movie(tmp_path / "a.avi", count=10, b_frames=3)  # decoding finds as many frames as it can
    assert np.diff(clock(without)) == pytest.approx(0.04) and clock(without)[0] == 0


def test_what_knows_no_time_needs_a_rate(make_folder, tmp_path):
    path = make_folder(tmp_path / "a", count=4)
    assert clock(path, fps=8) == pytest.approx([0, 0.125, 0.25, 0.375, 0.5])
    with pytest.raises(UserError, match=r"a does not say how many frames make a second; give the rate \(--fps\)"):
        clock(path)
    with pytest.raises(UserError, match="2 frames does not say"):
        clock(np.zeros((2, 4, 4, 3), np.uint8))
