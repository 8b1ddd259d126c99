"""What the rows of a list tell: faults by hand, the released lists as they were measured when they were described."""

from pathlib import Path

import pytest

from glad.check.reading import Rows, read_rows
from glad.check.rows import (
    class_table,
    length_summary,
    overlap_findings,
    repeat_findings,
    row_findings,
    short_findings,
)

CLASSES = ("x", "y", "z")


def rows_of(folder: Path, text: str, classes: tuple[str, ...] | None = CLASSES) -> Rows:
    (folder / "list.txt").write_text(text)
    return read_rows(folder / "list.txt", 0, classes)


def overlaps_of(rows: Rows, least: int = 1):
    return overlap_findings(rows, repeat_findings(rows)[1]["duplicate"], least)


def test_lengths_and_classes(tmp_path):
    rows = rows_of(tmp_path, "a 10 0\nb 20 2\nc 40 2\nd 30 2\n")
    assert length_summary(rows) == (4, 10, 25.0, 25.0, 40)
    assert class_table(rows) == [(0, "x", 1, 10.0), (1, "y", 0, None), (2, "z", 3, 30.0)]
    assert class_table(rows_of(tmp_path, "a 10 0\nb 20 2\n", None)) == [
        (0, None, 1, 10.0),
        (1, None, 0, None),
        (2, None, 1, 20.0),
    ]
    rows = rows_of(tmp_path, "a\nb\n", None)
    assert length_summary(rows) is None and class_table(rows) == []


def test_single_rows(tmp_path):
    rows = rows_of(tmp_path, "a 10 0\nb 20 3\nc none 1\nd 5 2\n")
    found, marks = row_findings(rows)
    assert [(item.kind, item.text, item.at and item.at.line) for item in found.items] == [
        (
            "row",
            "line 3: expected `path frames label` or `path offset frames label` in a labelled list, found 'c none 1'",
            3,
        ),
        ("label", "line 2: label 3 is outside 0..2, the 3 classes", 2),
        ("class", "class 1 (y) has no video", None),
    ]
    assert marks["label"].tolist() == [False, True, False]


def test_a_changed_list_with_a_released_name_is_told(tmp_path):
    (tmp_path / "babel_train.txt").write_text("a 0 5 0\n")
    found, _ = row_findings(read_rows(tmp_path / "babel_train.txt"))
    assert [(item.kind, item.level) for item in found.items] == [("changed", "note")]


def test_rows_that_stand_in_the_list_again(tmp_path):
    found, marks = repeat_findings(rows_of(tmp_path, "a 0 9 0\na 0 9 1\na 0 9 0\na 1 9 0\na/ 0 9 0\n"))
    assert marks["duplicate"].tolist() == [False, False, True, False, True]
    assert [item.text for item in found.items] == [
        "line 3 repeats line 1: a, frames 0..8",
        "line 5 repeats line 1: a, frames 0..8",
    ]
    assert [(item.at.row, item.other.row) for item in found.items if item.at and item.other] == [(2, 0), (4, 0)]


def test_rows_that_share_frames(tmp_path):
    rows = rows_of(tmp_path, "a 0 10 0\na 9 10 1\na 9 10 2\na 19 5 0\nb 0 99 1\na 9 10 1\na 2 3 0\n")
    found, marks, counts = overlaps_of(rows)
    assert counts == (3, 2, 1, 1)  # line 1 with 2 and 3: one frame each; 2 and 3 are the same; 1 and 7: one label
    assert [item.text for item in found.items] == [
        "line 1 and line 2, a: frames 0..9 are 'x', 9..18 'y'",
        "line 1 and line 3, a: frames 0..9 are 'x', 9..18 'z'",
        "line 2 and line 3, a: frames 9..18 are both 'y' and 'z'",
        "line 1 and line 7, a: frames 0..9 and 2..4",
    ]
    assert marks["overlap"].tolist() == [True, True, True, False, False, False, False]
    found, marks, counts = overlaps_of(rows, least=2)
    assert counts == (1, 0, 1, 1) and marks["overlap"].tolist() == [False, True, True] + [False] * 4
    assert overlaps_of(rows, least=11)[2] == (0, 0, 0, 0)


def test_a_row_without_length_goes_to_the_end(tmp_path):
    (tmp_path / "list.csv").write_text("path,offset,label\na,50,x\na,90,y\nb,0,x\n")
    found, _, counts = overlaps_of(read_rows(tmp_path / "list.csv"))
    assert counts == (1, 0, 0, 0) and "all frames from 50 on are 'x', all frames from 90 on 'y'" in found.items[0].text


def test_short_rows(tmp_path):
    found = short_findings(rows_of(tmp_path, "a 15 0\nb 16 0\nc 1 0\n"), 16)
    assert [item.text for item in found.items] == ["line 1: a has 15 frames", "line 3: c has 1 frames"]


@pytest.mark.parametrize(
    ("name", "rows", "videos", "lengths", "short", "pairs"),
    [
        ("k400_train.txt", 14881, 14881, (11, 300.0, 250.0, 300), 3, (0, 0, 0, 0)),
        ("k400_test.txt", 650, 650, (15, 300.0, 250.6, 300), 1, (0, 0, 0, 0)),
        ("babel_train.txt", 2963, 1986, (15, 54.0, 102.9, 1326), 6, (85, 47, 1, 53)),
        ("babel_test.txt", 452, 359, (15, 61.5, 127.0, 1544), 2, (6, 3, 0, 4)),
    ],
)
def test_the_released_lists(name, rows, videos, lengths, short, pairs, shared_data):
    read = read_rows(shared_data / "kinetics2babel" / name)
    assert (len(read), len(read.videos), read.faults) == (rows, videos, ())
    summary = length_summary(read)
    assert summary and (summary.min, summary.median, round(summary.mean, 1), summary.max) == lengths
    assert short_findings(read, 16).counts().get("short", 0) == short
    assert not repeat_findings(read)[1]["duplicate"].any()
    found, marks, counts = overlaps_of(read)
    assert counts == pairs and found.counts().get("overlap", 0) == pairs[0]
    for item in found.items:
        i, j = (place.row for place in (item.at, item.other) if place and place.row is not None)
        spans = [set(range(read.offset[k], read.offset[k] + read.frames[k])) for k in (i, j)]
        assert read.video[i] == read.video[j] and spans[0] & spans[1]
        assert (read.label[i] != read.label[j]) == (item.kind == "overlap")
        assert item.kind != "overlap" or (marks["overlap"][i] and marks["overlap"][j])
