"""A list is read with all its faults, and whether it holds labels is told by its form."""

import hashlib
from pathlib import Path

import pytest

from glad.check.reading import RELEASED, holds_labels, read_rows
from glad.errors import UserError


def written(folder: Path, text: str, name: str = "list.txt") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_rows_by_hand(tmp_path):
    file = written(tmp_path, "b 5 10 1\na 0 7 0\nb 0 10\n./b/ 0 5 1\n\na 9 x 0\n")
    rows = read_rows(file, 3, ("x", "y"))
    assert (rows.number, len(rows), rows.labelled, rows.videos) == (3, 3, True, ("b", "a"))
    assert rows.video.tolist() == [0, 1, 0] and rows.frames.tolist() == [10, 7, 5]
    assert rows.offset.tolist() == [5, 0, 0] and rows.label.tolist() == [1, 0, 1] and rows.line.tolist() == [1, 2, 4]
    assert [line for line, _ in rows.faults] == [3, 6]
    assert rows.md5 == hashlib.md5(file.read_bytes()).hexdigest() and rows.released is None
    assert rows.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (rows.where(2), rows.span(2), rows.class_name(2)) == ("line 4", "frames 0..4", "'y'")


@pytest.mark.parametrize(
    ("text", "name", "labelled"),
    [
        ("a\n", "a.txt", False),
        ("a 5\nb 5\n", "a.txt", False),
        ("a 5 0\n", "a.txt", True),
        ("a 5 9 0\n", "a.txt", True),
        ("bad\na 5 9 0\nb 4 4 1\n", "a.txt", True),
        ("path,label\na,x\n", "a.csv", True),
        ("frames,path\n5,a\n", "a.csv", False),
        ("a,x\n", "a.csv", True),
        ("\na\n", "a.csv", False),
    ],
)
def test_the_form_tells_whether_there_are_labels(text, name, labelled, tmp_path):
    file = written(tmp_path, text, name)
    assert holds_labels(file) == labelled and read_rows(file).labelled == labelled


def test_what_is_said_goes_over_the_form(tmp_path):
    rows = read_rows(written(tmp_path, "a 5 9\n"), labelled=False)
    assert not rows.labelled and (rows.offset[0], rows.frames[0], rows.label[0]) == (5, 9, -1)


def test_a_folder_of_class_folders(tmp_path):
    for name in ("run/b.mp4", "jump/a.mp4"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    rows = read_rows(tmp_path)
    assert rows.classes == ("jump", "run") and rows.label.tolist() == [0, 1] and rows.frames.tolist() == [-1, -1]
    assert (rows.where(1), rows.span(1), rows.md5) == ("run/b.mp4", "all frames from 0 on", "")


def test_nothing_to_read_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no list and no folder"):
        read_rows(tmp_path / "none.txt")
    with pytest.raises(UserError, match=r"list.txt lists no videos"):
        read_rows(written(tmp_path, "\n"))
    with pytest.raises(UserError, match=r"no row of .*list.txt can be used; the first fault is: .*line 1: .*0 frames"):
        read_rows(written(tmp_path, "a 0 0\nb 0 1\n"))


def test_the_released_lists_are_known(shared_data):
    for name in RELEASED.values():
        assert read_rows(shared_data / "kinetics2babel" / name).released == name
