"""Lists are checked together: each fault is found under its name, a list without faults has none."""

import shutil
from pathlib import Path

import pytest

from glad.check.conftest import frames_in
from glad.check.doctor import Asked, Report, lists_report
from glad.data.conftest import movie
from glad.sampling import Grid

CLASSES = ("walk", "run")


def checked(file: Path, **more) -> Report:
    return lists_report([Asked(file, file.parent / "videos", classes=CLASSES)], **more)


def add(file: Path, *rows: str) -> None:
    with file.open("a") as out:
        out.writelines(f"{row}\n" for row in rows)


def test_a_list_without_faults_is_clean(clean_list):
    report = checked(clean_list, decode="all")
    [one] = report.lists
    assert report.clean and report.findings.items == () and one.unseen is None
    assert str(one.layout) == "img_%05d.jpg from 1" and one.lengths and one.lengths.max == 20
    assert not any(mask.any() for mask in one.marks.values())


def too_long(file: Path) -> None:
    add(file, "c 15 6 0")


def lost(file: Path) -> None:
    shutil.rmtree(file.parent / "videos" / "b")


def gap(file: Path) -> None:
    (file.parent / "videos" / "b" / "img_00007.jpg").unlink()


def broken(file: Path) -> None:
    (file.parent / "videos" / "b" / "img_00011.jpg").write_bytes(b"\xff\xd8no")


def renumbered(file: Path) -> None:
    frames_in(file.parent / "videos" / "e", 5, first=0)
    add(file, "e 0 5 0")


def bigger(file: Path) -> None:
    frames_in(file.parent / "videos" / "b", 3, first=18, size=(20, 20))


def unread(file: Path) -> None:
    add(file, "e ten 0")


def label(file: Path) -> None:
    add(file, "c 15 5 2")


def again(file: Path) -> None:
    add(file, "c 5 10 1")


def contradicted(file: Path) -> None:
    add(file, "c 14 6 0")


def one_class(file: Path) -> None:
    file.write_text("a 0 20 0\n")


@pytest.mark.parametrize(
    ("fault", "kind", "line"),
    [
        (too_long, "length", 7),
        (lost, "missing", 3),
        (gap, "frames", 3),
        (broken, "decode", 3),
        (renumbered, "numbering", 7),
        (bigger, "size", 3),
        (unread, "row", 7),
        (label, "label", 7),
        (again, "duplicate", 7),
        (contradicted, "overlap", 4),
        (one_class, "class", None),
    ],
)
def test_one_fault_of_each_kind(fault, kind, line, clean_list):
    fault(clean_list)
    report = checked(clean_list)
    assert not report.clean and list(report.findings.counts().items()) == [(kind, 1)]
    [item] = report.findings.items
    assert item.at and item.at.line == line and item.level == "problem"
    [one] = report.lists
    marked = {name: one.rows.line[mask].tolist() for name, mask in one.marks.items() if mask.any()}
    assert marked == ({} if kind in ("row", "class") else {kind: [4, 7] if kind == "overlap" else [line]})


def test_a_row_that_is_wrong_anyway_speaks_against_no_other(clean_list):
    add(clean_list, "c 5 10 7", "c 5 99 0")
    report = checked(clean_list)
    assert report.findings.counts() == {"label": 1, "length": 1} and report.lists[0].overlaps.pairs == 0


def test_without_files_nothing_is_looked_for(clean_list):
    shutil.rmtree(clean_list.parent / "videos")
    assert checked(clean_list, files=False).clean
    report = checked(clean_list)
    assert report.findings.counts() == {"root": 1} and report.lists[0].unseen == report.findings.items[0].text


def test_the_lists_own_folder_is_looked_at_when_something_is_there(clean_list):
    [one] = lists_report([Asked(clean_list, classes=CLASSES)]).lists
    assert one.unseen and "--root" in one.unseen and "own folder" in one.unseen
    shutil.copy(clean_list, clean_list.parent / "videos")
    report = lists_report([Asked(clean_list.parent / "videos" / "list.txt", classes=CLASSES)])
    assert report.clean and report.lists[0].unseen is None


def test_lengths_that_the_list_does_not_know_come_from_the_files(tmp_path):
    for name, count in (("x/a", 20), ("x/b", 15), ("y/c", 30)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        movie(tmp_path / f"{name}.mp4", count=count)
    report = lists_report([Asked(tmp_path, training=Grid(), evaluation=Grid())])
    [one] = report.lists
    assert one.rows.frames.tolist() == [20, 15, 30] and one.lengths and one.lengths.known == 3
    assert report.clean and report.findings.counts() == {"short": 1} and one.span == 16
    assert one.views["evaluation"]["global"].still == 1 and one.views["training"]["local"].clips == 2


def test_videos_with_more_frames_than_listed_are_noted_where_rows_are_whole_videos(tmp_path):
    frames_in(tmp_path / "a", 12)
    (tmp_path / "list.txt").write_text("a 10 0\n")
    report = lists_report([Asked(tmp_path / "list.txt")])
    assert report.clean and [item.text for item in report.findings.items] == [
        "line 1: a has 12 frames, the list says 10"
    ]


def test_two_lists_and_a_third_to_be_apart_from(clean_list):
    folder = clean_list.parent
    (folder / "test.txt").write_text("b 0 20 0\nc 0 20 1\n")
    (folder / "other.txt").write_text("a 0 20 0\nx 0 5 1\n")
    lists = [Asked(folder / name, folder / "videos", classes=CLASSES) for name in ("list.txt", "test.txt", "other.txt")]
    report = lists_report(lists[:2], lists[2:])
    assert [(i, j, counts["videos"]) for i, j, counts in report.shared] == [(0, 1, 2), (0, 2, 1), (1, 2, 0)]
    assert report.findings.counts() == {"shared_video": 3} and len(report.lists) == 2
    assert report.lists[0].marks["shared_video"].tolist() == [True, True, True, True, False, False]


def test_only_training_and_held_out_lists_must_be_apart(clean_list):
    folder = clean_list.parent

    def report(*uses) -> Report:
        return lists_report([Asked(clean_list, folder / "videos", classes=CLASSES, use=use) for use in uses])

    assert report("train", "train").clean and report("held_out", "held_out").clean
    for uses in (("train", "held_out"), ("held_out", "train")):
        found = report(*uses)
        assert found.findings.counts() == {"shared_video": 4}
        assert found.lists[uses.index("train")].marks["shared_video"].all()
