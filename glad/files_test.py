"""A file is whole or as it was."""

import errno
import os
import stat
from pathlib import Path

import pytest

from glad.errors import UserError
from glad.files import atomic, write_text


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_text_is_written_into_folders_that_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "note.txt"
    write_text(path, "déjà vu\n")
    assert path.read_bytes() == "déjà vu\n".encode()
    write_text(path, "new")
    assert path.read_text() == "new"
    assert names(path.parent) == ["note.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "weights.pt"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="power cut"), atomic(path) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError("power cut")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["weights.pt"]


def test_a_failure_leaves_no_file_where_there_was_none(tmp_path):
    with pytest.raises(UserError, match=r"x\.txt cannot be written: it would hold 'a\\udcff\.mp4', which is not UTF-8"):
        write_text(tmp_path / "x.txt", "a\udcff.mp4")
    assert names(tmp_path) == []


@pytest.mark.parametrize("place", ["note.txt/a.txt", "note.txt/a/b.txt"])
def test_a_file_where_a_folder_should_be_is_one_sentence(place, tmp_path):
    write_text(tmp_path / "note.txt", "old")
    with pytest.raises(UserError, match=rf"{place} cannot be written: a file is where a folder should be$"):
        write_text(tmp_path / place, "new")
    assert (tmp_path / "note.txt").read_text() == "old"


def test_a_folder_where_a_file_should_be_is_one_sentence(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"folder cannot be written: is a directory$"):
        write_text(tmp_path / "folder", "new")
    assert names(tmp_path) == ["folder"] and names(tmp_path / "folder") == []


@pytest.mark.parametrize(
    "number, why", [(errno.ENOSPC, "no space left on device"), (errno.EACCES, "permission denied")]
)
def test_whatever_fails_in_writing_is_one_sentence_whose_cause_can_be_asked(number, why, tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(UserError, match=rf"a\.txt cannot be written: {why}$") as raised, atomic(tmp_path / "a.txt"):
        raise OSError(number, os.strerror(number))
    assert isinstance(raised.value.__cause__, OSError) and raised.value.__cause__.errno == number
    assert names(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "old"


def test_until_the_end_others_see_the_old_file(tmp_path):
    path = tmp_path / "report.html"
    write_text(path, "old")
    with atomic(path) as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".html" and temporary.parent == tmp_path and temporary.name.startswith(".")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_the_file_may_be_read_by_whom_the_umask_lets(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "x.txt", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.txt").stat().st_mode) == 0o640
