"""What is on disk is found by name, counted, and sorted; what is not is named."""

import pytest

from glad.datasets.found import (
    Entry,
    Missing,
    Wanted,
    annotation_file,
    annotation_files,
    class_folders,
    counted,
    found_by_stem,
    found_in_class_folders,
    gathered,
    lines_of,
    stem_of,
    videos_by_stem,
)
from glad.errors import UserError


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.b.avi", "a.b"), ("a.MP4", "a"), ("v_1.5", "v_1.5"), ("Ba\u0308r.avi", "Bär"), ("x.txt", "x.txt"), ("", "")],
)
def test_only_suffixes_of_videos_are_dropped(name, stem):
    assert stem_of(name) == stem


def test_entries_are_sorted_within_their_split():
    rows = [
        ("test", Entry("b", 1)),
        ("train", Entry("c", 0, 9, 1)),
        ("train", Entry("c", 1, 0, 2)),
        ("train", Entry("a", 1)),
    ]
    found = gathered(rows, [Missing("test", "z", "gone")])
    assert found.train == (Entry("a", 1), Entry("c", 1, 0, 2), Entry("c", 0, 9, 1))
    assert (found.split("test"), found.missing) == ((Entry("b", 1),), (Missing("test", "z", "gone"),))
    assert counted(found.train, ("x", "y", "z")) == {"x": 1, "y": 2, "z": 0}


def test_videos_are_found_in_class_folders(tree):
    root = tree("data", "High Jump/a.b.avi", "run/c=2")
    wanted = [Wanted("train", "high_jump", "a.b", 0), Wanted("test", "Run", "c", 1), Wanted("test", "run", "d", 1)]
    found = found_in_class_folders(root, wanted, "a list")
    assert (found.train, found.test) == ((Entry("High Jump/a.b.avi", 0),), (Entry("run/c", 1),))
    assert found.missing == (Missing("test", "run/d", "it is not in run"),)


def test_hidden_files_and_other_files_are_no_videos(tree):
    root = tree("data", "a.avi", ".b.avi", "c.txt", "d=2", "._a.avi")
    assert videos_by_stem(root) == {"a": "a.avi", "d": "d"}
    assert class_folders(root) == {"d": "d"}


def test_a_wanted_folder_is_not_looked_into(tree):
    root = tree("data", "x/P01_01=2", "y/z/clip.mkv", "y/other.avi")
    (root / "x" / "P01_01" / "clip.avi").touch()
    assert found_by_stem(root, {"P01_01", "clip", "gone"}) == {"P01_01": "x/P01_01", "clip": "y/z/clip.mkv"}
    with pytest.raises(UserError, match="there is no folder"):
        found_by_stem(root / "nowhere", {"a"})


def test_annotations_are_files_or_folders_of_them(written, tmp_path):
    one, two = written("a1.txt", "x"), written("a2.txt", "x")
    assert annotation_files([one.parent], "a*.txt") == [one, two]
    assert annotation_file([one.parent], "a2.txt", "of a") == two
    with pytest.raises(UserError, match=r"one annotation file a\*.txt \(of a\), several are given"):
        annotation_file([one, two], "a*.txt", "of a")
    with pytest.raises(UserError, match="there is no annotation file"):
        annotation_file([tmp_path / "b.txt"], "a*.txt", "of a")


def test_lines_keep_their_numbers(written):
    assert lines_of(written("a.txt", "\ufeffone \r\n\n  two")) == [(1, "one"), (3, "two")]
    odd = written("b.txt", "")
    odd.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"b.txt is not a text file in UTF-8"):
        lines_of(odd)
