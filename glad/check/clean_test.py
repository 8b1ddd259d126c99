"""The cleaned list: what is dropped, what stays to the byte, and that it is clean when it is checked again."""

import hashlib
import json
from pathlib import Path

import pytest

from glad.check.clean import Cleaned, check_target, write_clean
from glad.check.conftest import frames_in
from glad.check.doctor import Asked, Report, lists_report
from glad.data.conftest import movie
from glad.data.listing import open_listing
from glad.errors import UserError

CLASSES = ("walk", "run")


def checked(file: Path, root: Path, **more) -> Report:
    return lists_report([Asked(file, root, classes=CLASSES)], **more)


def cleaned(file: Path, root: Path, out: Path, **more) -> Cleaned:
    return write_clean(checked(file, root, **more).lists[0], out)


def test_faulty_rows_go_and_the_others_keep_place_and_text(clean_list):
    folder = clean_list.parent
    clean_list.write_bytes(
        b"a 0 10 0\r\nnone  0 10 0\n\n  b 0  20 0 \nc 5 10 1\nc 14 6 0\nb 0 20 0\nd 0 9 7\nd ten 1\na 10 10 1"
    )
    result = cleaned(clean_list, folder / "videos", folder / "new" / "list.txt")
    assert result.file.read_bytes() == b"a 0 10 0\r\n\n  b 0  20 0 \na 10 10 1"
    assert (result.kept, result.sha256) == (3, hashlib.sha256(result.file.read_bytes()).hexdigest())
    assert [(row.line, row.text, row.rules) for row in result.dropped] == [
        (2, "none  0 10 0", ("missing",)),
        (5, "c 5 10 1", ("overlap",)),
        (6, "c 14 6 0", ("overlap",)),
        (7, "b 0 20 0", ("duplicate",)),
        (8, "d 0 9 7", ("label",)),
        (9, "d ten 1", ("row",)),
    ]
    assert result.counts() == {"row": 1, "label": 1, "missing": 1, "duplicate": 1, "overlap": 2}
    said = json.loads(result.beside.read_text())
    assert result.beside == folder / "new" / "list.txt.json"
    assert said["sha256"] == result.sha256 and said["rows_before"] == 9 and said["rows"] == 3
    assert said["sha256_before"] == hashlib.sha256(clean_list.read_bytes()).hexdigest()
    assert [row["line"] for row in said["dropped"]] == [2, 5, 6, 7, 8, 9] and set(said["rules"]) == set(result.counts())
    assert checked(result.file, folder / "videos").clean


def test_a_clean_list_stays_as_it_is(clean_list):
    result = cleaned(clean_list, clean_list.parent / "videos", clean_list.parent / "new.txt")
    assert result.dropped == () and result.file.read_bytes() == clean_list.read_bytes()


def test_the_header_of_a_csv_stays(tmp_path):
    frames_in(tmp_path / "a", 5)
    frames_in(tmp_path / "b", 5)
    (tmp_path / "list.csv").write_text("path,label\na,walk\nnone,run\nb,run\na,walk\n")
    result = cleaned(tmp_path / "list.csv", tmp_path, tmp_path / "new.csv")
    assert result.file.read_text() == "path,label\na,walk\nb,run\n" and result.counts() == {
        "missing": 1,
        "duplicate": 1,
    }


def test_a_csv_does_not_lose_a_class_in_silence(tmp_path):
    frames_in(tmp_path / "b", 5)
    (tmp_path / "list.csv").write_text("path,label\nnone,run\nb,walk\n")
    asked = Asked(tmp_path / "list.csv", tmp_path)
    with pytest.raises(UserError, match=r"no video of run would be left, .* name the classes in a file by --classes"):
        write_clean(lists_report([asked]).lists[0], tmp_path / "new.csv")
    assert cleaned(tmp_path / "list.csv", tmp_path, tmp_path / "new.csv").kept == 1


def test_of_a_folder_a_csv_is_made(tmp_path):
    for name in ("walk", "run"):
        (tmp_path / "videos" / name).mkdir(parents=True)
        movie(tmp_path / "videos" / name / "a, b.mp4", count=4)
    (tmp_path / "videos" / "run" / "bad.mp4").write_text("no video")
    result = cleaned(tmp_path / "videos", tmp_path / "videos", tmp_path / "new.csv")
    assert result.file.read_text() == 'path,label\n"run/a, b.mp4",1\n"walk/a, b.mp4",0\n'
    assert [(row.line, row.text, row.rules) for row in result.dropped] == [(None, "run/bad.mp4", ("decode",))]
    again = checked(result.file, tmp_path / "videos")
    assert again.clean and again.lists[0].rows.label.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("names", "classes", "dropped", "column"),
    [
        (("1", "2", "10"), None, "", "0 1 2"),  # sorted, 10 comes before 2
        (("a", "b", "c"), None, "a", "1 2"),  # else b would be 0
        (("a", "b", "c"), None, "", "a b c"),
        (("b", "a", "c"), ("b", "a", "c"), "", "1 0 2"),  # else a would be 0 where the classes are not told again
        (("1", "x"), None, "x", "0"),  # else the name would be a number
    ],
)
def test_a_folder_keeps_its_labels(names, classes, dropped, column, tmp_path):
    for name in names:
        (tmp_path / "videos" / name).mkdir(parents=True)
        movie(tmp_path / "videos" / name / "a.mp4", count=4)
    if dropped:
        (tmp_path / "videos" / dropped / "a.mp4").write_text("no video")
    report = lists_report([Asked(tmp_path / "videos", classes=classes)]).lists[0]
    result = write_clean(report, tmp_path / "new.csv")
    before = dict(zip(report.rows.listing.paths(), report.rows.label.tolist(), strict=True))
    kept = [line.split(",")[1] for line in result.file.read_text().splitlines()[1:]]
    assert " ".join(kept) == column
    for told in (None, report.rows.classes):
        listing = open_listing(result.file, told, True, allow_empty_classes=True)
        assert all(before[path] == label for path, label in zip(listing.paths(), listing.labels, strict=True))
    assert tuple(json.loads(result.beside.read_text())["classes"]) == report.rows.classes


def test_what_another_list_holds_goes(clean_list):
    folder = clean_list.parent
    (folder / "test.txt").write_text("b 0 20 0\n")
    asked = [Asked(folder / name, folder / "videos", classes=CLASSES) for name in ("list.txt", "test.txt")]
    result = write_clean(lists_report(asked[:1], asked[1:]).lists[0], folder / "new.txt")
    assert result.counts() == {"shared_video": 1} and result.kept == 5
    asked[0] = Asked(result.file, folder / "videos", classes=CLASSES)
    assert lists_report(asked[:1], asked[1:]).clean


def test_what_would_be_misread_or_overwritten_is_refused(clean_list):
    folder = clean_list.parent
    for name, what in (("list.txt", "another file"), ("new.csv", "must not end in .csv")):
        with pytest.raises(UserError, match=what):
            cleaned(clean_list, folder / "videos", folder / name)
    with pytest.raises(UserError, match=r"must end in \.csv"):
        check_target(folder / "videos", folder / "new.txt")
    clean_list.write_text("none 0 5 0\nneither 0 5 1\n")
    with pytest.raises(UserError, match=r"not one row of .*list\.txt"):
        cleaned(clean_list, folder / "videos", folder / "new.txt")
    assert not (folder / "new.txt").exists()


def test_the_released_list_without_its_contradictions(shared_data, tmp_path):
    report = lists_report([Asked(shared_data / "kinetics2babel" / "babel_train.txt")], files=False)
    result = write_clean(report.lists[0], tmp_path / "clean.txt")
    assert (result.kept, len(result.dropped), result.counts()) == (2809, 154, {"overlap": 154})
    assert lists_report([Asked(result.file)], files=False).clean
    kept = result.file.read_text().splitlines()
    original = (shared_data / "kinetics2babel" / "babel_train.txt").read_text().splitlines()
    dropped = {row.line for row in result.dropped}
    assert kept == [line for number, line in enumerate(original, start=1) if number not in dropped]


def test_nothing_that_is_read_is_written_over(tmp_path):
    source, held_out, classes = (tmp_path / name for name in ("l.txt", "test.txt", "classes.txt"))
    check_target(source, tmp_path / "clean.txt", [held_out, classes])
    for file in (source, held_out, classes):
        with pytest.raises(UserError, match=f"would overwrite .*{file.name}, which is read here"):
            check_target(source, file, [held_out, classes])
    with pytest.raises(UserError, match=r"would overwrite .*new\.txt\.json"):
        check_target(source, tmp_path / "new.txt", [tmp_path / "new.txt.json"])
