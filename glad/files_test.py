"""A file is whole or as it was."""

import os
import stat
from pathlib import Path

import pytest

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
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "x.txt", "\ud800")
    assert names(tmp_path) == []


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
