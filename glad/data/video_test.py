from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from glad.data.frames import FrameFolder, FrameLayout
from glad.data.movie import MovieFile
from glad.data.video import Video, open_video
from glad.errors import UserError


def test_a_folder_and_a_file_are_told_apart(tmp_path: Path, make_folder: Callable, make_movie: Callable):
    folder = open_video(make_folder(tmp_path / "a.mp4"))
    movie = open_video(make_movie(tmp_path / "b.mp4", count=10))
    assert isinstance(folder, FrameFolder) and isinstance(movie, MovieFile)
    assert len(folder) == len(movie) == 10
    np.testing.assert_allclose(
        folder.frames([9, 2]).mean((1, 2, 3)), movie.frames([9, 2])[:, 5:, 5:].mean((1, 2, 3)), atol=3
    )


def test_spans_of_both_agree(tmp_path: Path, make_folder: Callable, make_movie: Callable):
    make_folder(tmp_path / "a", first=0)
    make_movie(tmp_path / "b.mp4", count=10)
    for path in ("a", "b.mp4"):
        span = open_video(tmp_path / path, offset=3, length=4, layout=FrameLayout("img_%05d.jpg", 0))
        assert len(span) == 4
        assert abs(span.frames([1])[0, 5:, 5:].mean() - (16 + 3 * 4)) < 3


def test_no_video_is_refused_with_the_line_of_the_list(tmp_path: Path):
    with pytest.raises(UserError, match=r"^train\.txt line 4: there is no video at .*gone"):
        open_video(tmp_path / "gone", length=5, origin="train.txt line 4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"^train\.txt line 4: .*empty holds no numbered images"):
        open_video(tmp_path / "empty", length=5, origin="train.txt line 4")


class _Means(Dataset):
    """The mean grey of frame 5 of every video."""

    def __init__(self, videos: list[Video]):
        self.videos = videos

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> float:
        return float(self.videos[index].frames([5])[0, 5:, 5:].mean())


def test_loader_workers_read_videos_which_this_process_has_used(
    tmp_path: Path, make_folder: Callable, make_movie: Callable
):
    videos = [open_video(make_folder(tmp_path / "a")), open_video(make_movie(tmp_path / "b.mp4", count=10))]
    for video in videos:
        video.frames([1])
    loader = DataLoader(_Means(videos), batch_size=2, num_workers=1, multiprocessing_context="fork")
    [found] = list(loader)
    torch.testing.assert_close(found, torch.tensor([31.0, 31.0], dtype=torch.float64), atol=3, rtol=0)
