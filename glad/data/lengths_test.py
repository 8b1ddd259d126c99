"""Frames are counted where the list does not say, and a video that cannot be counted stops no other."""

import os
from pathlib import Path

import pytest

from glad.data import lengths
from glad.data.conftest import movie
from glad.data.lengths import video_lengths
from glad.data.listing import open_listing
from glad.data.movie import MovieFile


def test_what_the_list_says_is_not_looked_up(tmp_path: Path):
    (tmp_path / "list.txt").write_text("a 5\nb 7\n")
    assert video_lengths(open_listing(tmp_path / "list.txt"), "") == ([5, 7], [])


@pytest.mark.parametrize("workers", [0, 1])
def test_files_and_folders_are_counted_and_the_rest_is_named_in_order(workers: int, tmp_path: Path):
    movie(tmp_path / "a.mp4", count=5)
    (tmp_path / "b.mp4").write_text("no video")
    (tmp_path / "d").mkdir()
    for number in range(3):
        (tmp_path / "d" / f"{number}.jpg").touch()
    (tmp_path / "list.txt").write_text("d\nb.mp4\na.mp4\nc\n")
    found, problems = video_lengths(open_listing(tmp_path / "list.txt"), "source", workers)
    assert found == [3, None, 5, None]
    assert "list.txt line 2: " in problems[0] and "list.txt line 4: there is no video at" in problems[1]


def deadly(numbered: tuple[int, MovieFile]) -> int | str:
    """Count as usual, but die of the video called `deadly`."""
    if numbered[1].path.name == "deadly.mp4":
        os._exit(9)
    return len(numbered[1])


def test_a_video_that_kills_who_counts_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, count in (("a", 5), ("deadly", 7), ("z", 9)):
        movie(tmp_path / f"{name}.mp4", count=count)
    monkeypatch.setattr(lengths, "_counted", deadly)
    found, problems = video_lengths(open_listing(tmp_path), "source", workers=1)
    assert found == [5, None, 9]
    assert problems == [f"{tmp_path}: the process that counts the frames of deadly.mp4 dies"]
