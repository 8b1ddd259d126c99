from pathlib import Path

import pytest

from glad.data.tree import class_folder_rows, passed_over, video_rows
from glad.errors import UserError


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def paths(rows: list) -> list[str]:
    return [row[1] for row in rows]


def test_videos_of_both_kinds_are_found_at_any_depth_in_order(tmp_path: Path):
    tree(tmp_path, "b.MP4", "p01/z.avi", "p01/a b/img_00001.jpg", "p01/a b/img_00002.jpg", "notes.txt", ".x.mp4")
    tree(tmp_path, "p02/c.mkv", "p02/poster.jpg", ".hidden/d.mp4")
    assert paths(video_rows(tmp_path)) == ["b.MP4", "p01/a b", "p01/z.avi", "p02/c.mkv"]
    assert all(row == (0, row[1], None, 0, None) for row in video_rows(tmp_path))


def test_no_videos_and_a_frame_folder_itself_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="holds no videos"):
        video_rows(tree(tmp_path / "a", "notes.txt"))
    with pytest.raises(UserError, match="is itself a folder of frames; give the folder that holds it"):
        video_rows(tree(tmp_path / "b", "img_00001.jpg"))


def test_class_folders_give_labels_in_sorted_or_given_order(tmp_path: Path):
    tree(tmp_path, "run/b.mp4", "run/a/img_1.jpg", "jump/c.mp4", "LICENSE")
    rows, classes = class_folder_rows(tmp_path, None)
    assert classes == ("jump", "run")
    assert [(row[1], row[4]) for row in rows] == [("jump/c.mp4", 0), ("run/a", 1), ("run/b.mp4", 1)]
    rows, classes = class_folder_rows(tmp_path, ("run", "sit", "jump"))
    assert classes == ("run", "sit", "jump")
    assert [(row[1], row[4]) for row in rows] == [("jump/c.mp4", 2), ("run/a", 0), ("run/b.mp4", 0)]


def test_what_gives_no_video_is_told(tmp_path: Path):
    tree(tmp_path, "jump/a.mp4", "jump/a.mpegx", "jump/poster.jpg", "jump/b/img_1.jpg", "jump/b/times.txt", "README")
    tree(tmp_path, "jump/b/more/c.mp4", "run/x/y/notes.txt", "run/x/.hidden", ".git/config", "run/d.avi")
    (tmp_path / "sit" / "none" / "at all").mkdir(parents=True)
    passed = passed_over(tmp_path)
    assert passed.files == ["README", "jump/a.mpegx", "jump/b/times.txt", "jump/poster.jpg", "run/x/y/notes.txt"]
    assert (passed.empty, passed.within) == (["run/x", "sit"], ["jump/b/more"])
    assert passed.text() == (
        "passed over: 5 files of no video (README), 2 folders without a video (run/x), "
        "1 folder inside a folder of frames (jump/b/more)"
    )
    assert passed_over(tree(tmp_path / "whole", "a/b.mp4", "c/img_1.jpg")).text() == ""


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["run/a.mp4", "sit/b.mp4"], "sit is the folder of no class; classes: jump, run"),
        (["run/a.mp4", "b.mp4"], r"b\.mp4 lies in no class folder"),
        (["notes.txt"], "holds no class folders"),
        (["run/a.mp4", "Run/b.mp4"], "'(run|Run)' and '(run|Run)' .* are two spellings of one class"),
        (["run/a.mp4", "jump/img_00001.jpg"], "jump holds images, where a class folder with videos was expected"),
    ],
)
def test_a_tree_which_is_not_of_classes_is_refused(names: list[str], message: str, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        class_folder_rows(tree(tmp_path, *names), ("jump", "run"))


def test_a_missing_folder_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="gone cannot be listed: no such file"):
        video_rows(tmp_path / "gone")


def test_real_frame_folders(shared_data: Path):
    rows, classes = class_folder_rows(shared_data / "real_clips" / "raivokoot_demo_dataset", None)
    assert classes == ("jumping", "running")
    assert paths(rows) == ["jumping/0001", "jumping/0002", "running/0001", "running/0002"]
