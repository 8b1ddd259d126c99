"""A name means one video, and the name of a folder of videos all of them."""

from pathlib import Path

import pytest

from glad.data.held import Given
from glad.data.listing import VideoRecord
from glad.data.named import videos_at
from glad.errors import UserError


def touched(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_videos_are_opened_where_they_lie(tmp_path, make_movie, make_folder):
    named = Given((make_movie(tmp_path / "a b.mp4", count=7), make_folder(tmp_path / "frames", count=5)))
    assert [len(named.video(index)) for index in range(len(named))] == [7, 5]
    assert named[0] == VideoRecord(str(tmp_path / "a b.mp4"), None, 0, None)


def test_a_file_a_frame_folder_and_what_is_not_there_are_themselves(tmp_path, make_folder):
    frames = make_folder(tmp_path / "frames", count=3)
    for path in (tmp_path / "gone.mp4", touched(tmp_path, "a.mp4") / "a.mp4", frames):
        assert videos_at(path) == [path]


def test_a_folder_of_videos_is_all_of_them_at_any_depth(tmp_path, make_folder):
    touched(tmp_path, "b/2.mp4", "b/poster.jpg", "a.avi", ".hidden.mp4", "notes.txt")
    make_folder(tmp_path / "c" / "frames", count=2)
    assert videos_at(tmp_path) == [tmp_path / "a.avi", tmp_path / "b" / "2.mp4", tmp_path / "c" / "frames"]


def test_a_folder_of_nothing_is_refused(tmp_path):
    touched(tmp_path, "notes.txt", "deep/.hidden.mp4")
    with pytest.raises(UserError, match="holds neither numbered images"):
        videos_at(tmp_path)


@pytest.mark.parametrize("name", ["train.txt", "train.csv", "a.JSON"])
def test_a_list_is_no_video(name, tmp_path):
    (tmp_path / name).write_text("a 0 8\n" * 100)
    with pytest.raises(UserError, match="is a list and no video; name the videos"):
        videos_at(tmp_path / name)
