import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glad.data.frames import FrameLayout
from glad.data.listfile import read_classes
from glad.data.listing import VideoRecord, open_listing
from glad.errors import UserError

CLASSES = ("jump", "run", "throw")
# Rows, md5, rows per class of the four released lists (the paper's data, as published with its code).
RELEASED = {
    "k400_train.txt": (
        14881,
        "65e57f9016f07af61a68e28246ec4212",
        [1371, 450, 1717, 1488, 414, 2707, 1727, 880, 1406, 925, 511, 1285],
    ),
    "k400_test.txt": (650, "3143683702aea30494170d1ef6e5094e", [59, 43, 76, 64, 15, 98, 97, 19, 71, 15, 43, 50]),
    "babel_train.txt": (
        2963,
        "330c63aadc4c03646b2b3c8f5f69dcc3",
        [347, 618, 333, 286, 233, 163, 116, 117, 80, 64, 91, 515],
    ),
    "babel_test.txt": (452, "1c84e7532608003383001bca3ead3ff4", [57, 132, 33, 39, 38, 20, 25, 16, 7, 15, 9, 61]),
}


def written(tmp_path: Path, text: str, name: str = "train.txt") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_name_that_is_not_utf8_is_refused_or_told(tmp_path):
    for name in ("a.mp4", "b\udcff.mp4"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"the name 'b\\udcff\.mp4' is not UTF-8; no list can hold it, rename it"):
        open_listing(tmp_path)
    told: list[str] = []
    assert open_listing(tmp_path, refuse=lambda _, text: told.append(text)).paths() == ["a.mp4"]
    assert told == [f"{tmp_path}: the name 'b\\udcff.mp4' is not UTF-8; no list can hold it, rename it"]


def test_a_labelled_list(tmp_path: Path):
    file = written(tmp_path, "jump/a 300 0\n\nrün/b c 11 1\nthrow/d 15 2\n")
    listing = open_listing(file, CLASSES, labelled=True)
    assert len(listing) == 3 and listing.labelled and listing.root == tmp_path and listing.classes == CLASSES
    assert listing[0] == VideoRecord("jump/a", 300, 0, 0)
    assert listing[1] == listing[-2] == VideoRecord("rün/b c", 11, 0, 1)
    assert [listing.line(i) for i in range(3)] == [1, 3, 4]
    assert listing.where(2) == f"{file} line 4"
    assert listing.labels.tolist() == [0, 1, 2]
    with pytest.raises(IndexError):
        listing[3]
    assert [record.path for record in listing] == ["jump/a", "rün/b c", "throw/d"]
    assert list(listing) == [listing[i] for i in range(3)]


def test_labels_of_a_target_are_dropped_at_the_door(tmp_path: Path):
    file = written(tmp_path, "train/000001 60 117 9\ntrain/000002 0 30 7\n")
    listing = open_listing(file, CLASSES, labelled=True, keep_labels=False)
    assert not listing.labelled
    assert list(listing) == [VideoRecord("train/000001", 117, 60, None), VideoRecord("train/000002", 30, 0, None)]
    assert set(listing.labels.tolist()) == {-1}
    other = open_listing(
        written(tmp_path, "train/000001 60 117 2\ntrain/000002 0 30 0\n"), None, True, keep_labels=False
    )
    assert pickle.dumps(listing._columns.labels) == pickle.dumps(other._columns.labels)


def test_labels_of_folders_and_csvs_are_dropped_too(tmp_path: Path):
    for name in ("run/a.mp4", "jump/b.mp4"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True)
        (tmp_path / "videos" / name).touch()
    listing = open_listing(tmp_path / "videos", labelled=True, keep_labels=False)
    assert list(listing) == [VideoRecord("jump/b.mp4", None, 0, None), VideoRecord("run/a.mp4", None, 0, None)]
    listing = open_listing(written(tmp_path, "a.mp4,run\n", "a.csv"), CLASSES, labelled=True, keep_labels=False)
    assert list(listing) == [VideoRecord("a.mp4", None, 0, None)]


def test_folders_and_csvs(tmp_path: Path):
    for name in ("run/a.mp4", "jump/b.mp4"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True)
        (tmp_path / "videos" / name).touch()
    listing = open_listing(tmp_path / "videos", labelled=True)
    assert listing.classes == ("jump", "run") and listing.root == tmp_path / "videos" and listing.layout is None
    assert list(listing) == [VideoRecord("jump/b.mp4", None, 0, 0), VideoRecord("run/a.mp4", None, 0, 1)]
    assert listing.line(0) is None and listing.where(0) == str(tmp_path / "videos")
    assert [r.label for r in open_listing(tmp_path / "videos")] == [None, None]
    listing = open_listing(written(tmp_path, "path,label\na.mp4,run\nb.mp4,jump\n", "a.csv"), labelled=True)
    assert listing.classes == ("jump", "run") and listing.labels.tolist() == [1, 0] and listing.line(1) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no videos"),
        ("\n \n", "lists no videos"),
        ("a 300 3\n", r"train\.txt line 1: label 3 is outside 0\.\.2, the 3 classes"),
        ("a 300 -1\n", r"line 1: label -1 is outside 0\.\.2"),
        ("a 300 0\nb 0 1\n", r"line 2: a video of 0 frames; the number of frames must be 1 to 2,147,483,647 \("),
        ("a -5 1\n", r"line 1: a video of -5 frames"),
        ("a -1 300 0\n", r"line 1: an offset of -1; offsets count frames from 0"),
        ("a 99999999999 0\n", r"line 1: a video of 99999999999 frames"),
        ("a 99999999999999 0\n", r"line 1: a video of 99999999999999 frames; the number of frames must be 1 to 2,147,"),
        (f"a {'1' * 4400} 0\n", r"line 1: a video of 10\^15 or more frames; the number of frames must be 1 to 2,147,"),
        (f"a -{'1' * 4400} 0\n", r"line 1: a video of -10\^15 or more frames"),
        (f"a {'1' * 4400} 5 0\n", r"line 1: an offset of 10\^15 or more; offsets count frames from 0"),
        (f"a 5 {'1' * 4400}\n", r"line 1: label 10\^15 or more is outside 0\.\.2, the 3 classes"),
        ("a\0b 5 0\n", r"line 1: the path 'a\\x00b' holds a zero byte, as no path can"),
        (f"x 5 0\ny/{'a' * 256}/b 5 0\n", r"line 2: a name in the path 'y/a{38}…' is longer than 255 bytes"),
        (f"{'ü' * 128} 5 0\n", r"line 1: a name in the path 'ü{40}…' is longer than 255 bytes"),
        ("../a 300 0\n", r"line 1: the path '\.\./a' leads out of the root folder"),
        ("a/../../b 300 0\n", r"line 1: the path .* leads out"),
        ("a\\..\\b 300 0\n", r"line 1: the path .* leads out"),
        ("/data/a 300 0\n", r"line 1: the path '/data/a' is absolute; paths are given relative to the root"),
        ("C:\\a 300 0\n", r"line 1: the path .* is absolute"),
        ("a 300 0\nb 300 1\n", r"train\.txt has no video of class throw; allow empty classes"),
        ("a 300 1\n", r"train\.txt has no video of the classes jump, throw"),
    ],
)
def test_a_wrong_list_is_refused(text: str, message: str, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        open_listing(written(tmp_path, text), CLASSES, labelled=True)


def test_an_empty_class_may_be_allowed_and_dots_within_names_are_fine(tmp_path: Path):
    file = written(tmp_path, "a..b/c...mp4 300 1\n")
    assert open_listing(file, CLASSES, True, allow_empty_classes=True)[0].path == "a..b/c...mp4"


def test_a_label_needs_no_table_of_classes_but_a_sign(tmp_path: Path):
    assert open_listing(written(tmp_path, "a 300 57\n"), None, True)[0].label == 57
    with pytest.raises(UserError, match=r"label -2 is outside 0, 1, 2"):
        open_listing(written(tmp_path, "a 300 -2\n"), None, True)


def test_no_source_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"there is no list and no folder of videos at .*gone\.txt"):
        open_listing(tmp_path / "gone.txt")


def test_entries_become_videos_below_the_root(tmp_path: Path, make_folder: Callable, make_movie: Callable):
    make_folder(tmp_path / "data" / "val" / "1", count=10, first=1)
    make_folder(tmp_path / "data" / "val" / "2", count=8, first=1)
    file = written(tmp_path, "val/1 4 3 0\nval/2 0 8 1\nval/1 8 5 2\nval/3 0 9 1\n")
    listing = open_listing(file, CLASSES, True, root=tmp_path / "data")
    assert listing.layout == FrameLayout("img_%05d.jpg", 1)
    span = listing.video(0)
    assert len(span) == 3
    np.testing.assert_allclose(span.frames([0, 2]).mean((1, 2, 3)), [16 + 3 * 4, 16 + 3 * 6], atol=1.5)
    np.testing.assert_array_equal(listing.video(0, tmp_path / "data").frames([0]), span.frames([0]))
    assert len(listing.video(1)) == 8
    with pytest.raises(UserError, match=r"train\.txt line 3: .*img_00013\.jpg is missing; the folder holds 10 frames"):
        listing.video(2).frames([4])
    with pytest.raises(UserError, match=r"train\.txt line 4: there is no video at .*3"):
        listing.video(3)


def test_videos_count_their_own_frames_where_the_list_does_not(tmp_path: Path, make_movie: Callable):
    make_movie(tmp_path / "a.mp4", count=20)
    listing = open_listing(written(tmp_path, "a.mp4\n"))
    assert listing[0] == VideoRecord("a.mp4", None, 0, None) and len(listing.video(0)) == 20


def test_a_listing_may_be_read_where_its_videos_are_not(tmp_path: Path, make_folder: Callable):
    listing = open_listing(written(tmp_path, "a 10 0\n"), labelled=True)
    assert listing.layout is None
    make_folder(tmp_path / "elsewhere" / "a", first=0)
    moved = listing.below(tmp_path / "elsewhere")
    assert moved.root == tmp_path / "elsewhere" and moved.layout == FrameLayout("img_%05d.jpg", 0)
    assert list(moved) == list(listing)


def test_it_travels_to_another_process(tmp_path: Path):
    listing = open_listing(written(tmp_path, "".join(f"v{i:04d} 10 {i % 3}\n" for i in range(1000))), CLASSES, True)
    carried = pickle.dumps(listing)
    assert len(carried) < 50 * 1000
    assert list(pickle.loads(carried)) == list(listing)


@pytest.mark.parametrize("name", RELEASED)
def test_the_released_lists(name: str, shared_data: Path):
    rows, md5, per_class = RELEASED[name]
    file = shared_data / "kinetics2babel" / name
    assert hashlib.md5(file.read_bytes()).hexdigest() == md5
    listing = open_listing(file, tuple(f"class {k}" for k in range(12)), labelled=True)
    assert len(listing) == rows
    assert np.bincount(listing.labels).tolist() == per_class
    lines = file.read_text().splitlines()
    for index, record in enumerate(listing):
        offset = [] if name.startswith("k400") else [record.offset]
        assert " ".join(map(str, [record.path, *offset, record.frames, record.label])) == lines[index]
        assert listing.line(index) == index + 1
    assert {record.label for record in open_listing(file, None, True, keep_labels=False)} == {None}


def test_first_rows_of_the_released_lists(shared_data: Path):
    folder = shared_data / "kinetics2babel"
    assert open_listing(folder / "babel_test.txt", None, True)[0] == VideoRecord("val/008998", 33, 62, 11)
    kinetics = open_listing(folder / "k400_test.txt", None, True)[0]
    assert kinetics == VideoRecord("slapping/--7goKgS4kc_000015_000025", 300, 0, 8)


def test_a_real_pair(shared_data: Path):
    folder = shared_data / "pair_real8_to_mocap8"
    classes = read_classes(folder / "classes.txt")
    assert len(classes) == 8
    for name in ("source_train.txt", "target_train.txt", "target_test.txt"):
        listing = open_listing(folder / name, classes, labelled=True)
        for index in range(0, len(listing), 20):
            video = listing.video(index)
            assert video.frames([0, len(video) - 1]).shape == (2, 112, 112, 3), listing.where(index)


def test_one_who_looks_for_faults_gets_all_rows_that_can_be_used(tmp_path):
    file = tmp_path / "train.txt"
    file.write_text("odd 1 2 3\na 10 0\n../out 10 1\nb 0 1\nc 7 99\nd ten 1\n\ne 8 -1\nf 9 1\n")
    faults = []
    listing = open_listing(file, ("x", "y"), True, refuse=lambda line, text: faults.append((line, text)))
    assert listing.paths() == ["a", "c", "f"] and listing.lines.tolist() == [2, 5, 9]
    assert listing.lengths.tolist() == [10, 7, 9] and listing.labels.tolist() == [0, 99, 1]
    assert listing.offsets.tolist() == [0, 0, 0] and listing.layout is None
    assert [line for line, _ in faults] == [1, 3, 4, 6, 8]
    told = ("most rows are `path frames label`", "leads out of the root", "0 frames", "'d ten 1'", "label -1")
    assert all(word in text and f"{file} line {line}" in text for (line, text), word in zip(faults, told, strict=True))


def test_the_faulty_rows_of_a_csv_are_handed_over_one_by_one(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("path,frames,label\na,10,x\nb,ten,x\nc,10\nd,10,z\ne,10,y\n")
    faults = []
    listing = open_listing(file, ("x", "y"), True, refuse=lambda line, text: faults.append((line, text)))
    assert listing.paths() == ["a", "e"] and listing.labels.tolist() == [0, 1]
    assert sorted(line for line, _ in faults) == [3, 4, 5]


def test_a_long_listing_is_gone_through_as_it_is_indexed(tmp_path: Path):
    rows = [f"a/{'x' * (k % 7)}{k} {k % 3} {k + 1}" for k in range(2**14 + 5)]
    listing = open_listing(written(tmp_path, "\n".join(rows), "long.txt"))
    assert list(listing) == [listing[k] for k in range(len(rows))]


def test_a_list_of_no_known_form_is_told_row_by_row_to_one_who_looks_for_faults(tmp_path: Path):
    faults = []
    with pytest.raises(UserError, match="lists no videos"):
        open_listing(written(tmp_path, "a\nb\n"), None, True, refuse=lambda line, _: faults.append(line))
    assert faults == [1, 2]
