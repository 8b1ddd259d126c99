from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glad.data.listfile import csv_rows, read_classes, text_rows, whole_number
from glad.errors import UserError


def rows(tmp_path: Path, text: str, labelled: bool) -> list:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    return list(text_rows(tmp_path / "a.txt", labelled))


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("-0", 0), ("007", 7), ("+5", 5), ("-12", -12), ("0" * 4400 + "5", 5), ("9" * 18, 10**18 - 1)],
)
def test_digits_are_a_number(text: str, number: int):
    assert whole_number(text) == number


def test_a_number_of_too_many_digits_for_anything_is_as_far_out_of_range():
    assert whole_number("1" * 4400) >= 10**18 and whole_number("-" + "0" * 9 + "1" * 4400) <= -(10**18)


def test_the_released_forms(tmp_path: Path):
    assert rows(tmp_path, "slapping/--7goK_15_25 300 8\nsquat/x(1) 11 7\n", True) == [
        (1, "slapping/--7goK_15_25", 300, 0, 8),
        (2, "squat/x(1)", 11, 0, 7),
    ]
    assert rows(tmp_path, "val/008998 62 33 11\n", True) == [(1, "val/008998", 33, 62, 11)]


def test_unlabelled_forms(tmp_path: Path):
    assert rows(tmp_path, "a/b.mp4\n005513\n", False) == [(1, "a/b.mp4", None, 0, None), (2, "005513", None, 0, None)]
    assert rows(tmp_path, "a.mp4 30\n", False) == [(1, "a.mp4", 30, 0, None)]
    assert rows(tmp_path, "val/008998 62 33\n", False) == [(1, "val/008998", 33, 62, None)]


def test_spaces_belong_to_the_path_and_blank_lines_count_as_lines(tmp_path: Path):
    text = "\ufeffmy  long clip.mp4 30 1\r\n\r\n\tübung 2.mp4\t31\t2  \n"
    assert rows(tmp_path, text, True) == [(1, "my  long clip.mp4", 30, 0, 1), (3, "übung 2.mp4", 31, 0, 2)]
    assert rows(tmp_path, "my clip.mp4\n", False) == [(1, "my clip.mp4", None, 0, None)]


names = st.from_regex(r"[a-z(_-][a-z0-9_()-]{0,8}( [a-z_(-]{1,5}){0,2}\.mp4", fullmatch=True)


@settings(max_examples=30)
@given(st.lists(st.tuples(names, st.integers(0, 99), st.integers(1, 999), st.integers(0, 11)), min_size=1))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, int, int, int]]):
    folder = tmp_path_factory.mktemp("list")
    text = "".join(f"{path} {offset} {frames} {label}\n" for path, offset, frames, label in table)
    assert rows(folder, text, True) == [(k, p, f, o, c) for k, (p, o, f, c) in enumerate(table, start=1)]


@pytest.mark.parametrize(
    ("text", "labelled", "message"),
    [
        ("a 300\n", True, r"a\.txt line 1: expected `path frames label` or `path offset frames label`.* found 'a 300'"),
        ("a 300 1\nb 300 x\n", True, r"line 2: expected .* found 'b 300 x'"),
        ("a 300 1.5\n", True, r"line 1: expected"),
        ("a 300 1_0\n", True, r"line 1: expected"),
        ("300 5\n", True, r"line 1: expected"),
        ("a 1 2 3 4\n", True, r"line 1: expected"),
        ("a 300 1\nb 5 300 1\n", True, r"line 2: found `path offset frames label` \(4 fields\), but line 1 is .*\(3 "),
        ("a 5 300 1\n\nb 300 1\n", True, r"line 3: found `path frames label` \(3 fields\), but line 1 is .*\(4 fields"),
        ("a 5\nb\n", False, r"line 2: found `path` \(1 fields\)"),
        (
            "a 60 117 9\n",
            False,
            r"line 1: expected `path` or .* an unlabelled list.* if the last number is a label, say",
        ),
    ],
)
def test_a_row_of_another_form_is_refused_with_its_line(text: str, labelled: bool, message: str, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        rows(tmp_path, text, labelled)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"a \xff\xfe 1\n")
    with pytest.raises(UserError, match=r"a\.txt is not a text file in UTF-8"):
        list(text_rows(tmp_path / "a.txt", True))
    with pytest.raises(UserError, match=r"b\.txt cannot be read: no such file"):
        list(text_rows(tmp_path / "b.txt", True))


def table(tmp_path: Path, text: str, labelled: bool, classes: tuple[str, ...] | None = None) -> tuple:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    return csv_rows(tmp_path / "a.csv", labelled, classes)


def test_csv_with_names_numbers_and_neither(tmp_path: Path):
    named = "path,label\na.mp4,run\nb c.mp4,jump\n"
    assert table(tmp_path, named, True) == (
        [(2, "a.mp4", None, 0, 1), (3, "b c.mp4", None, 0, 0)],
        ("jump", "run"),
    )
    assert table(tmp_path, named, True, ("run", "sit", "jump"))[0][1] == (3, "b c.mp4", None, 0, 2)
    assert table(tmp_path, "a.mp4,1\nb.mp4, 0\n", True) == (
        [(1, "a.mp4", None, 0, 1), (2, "b.mp4", None, 0, 0)],
        None,
    )
    assert table(tmp_path, 'a.mp4\n"b,c.mp4"\n', False) == (
        [(1, "a.mp4", None, 0, None), (2, "b,c.mp4", None, 0, None)],
        None,
    )
    spans = "label,path,offset,frames\n3,a,62,33\n"
    assert table(tmp_path, spans, True)[0] == [(2, "a", 33, 62, 3)]


@pytest.mark.parametrize(
    ("text", "labelled", "message"),
    [
        ("a.mp4,run,3\n", True, r"a\.csv line 1: expected `path,label`, found 'a\.mp4,run,3'"),
        ("a.mp4,run\nb.mp4\n", True, r"line 2: expected `path,label`, found 'b\.mp4'"),
        ("a.mp4,\n", True, r"line 1: expected"),
        ("a.mp4,1\n", False, r"line 1: expected `path`, found"),
        ("path,label\na.mp4,1\n", False, r"has a column 'label', but is said to be unlabelled"),
        ("path\na.mp4\n", True, r"has no column 'label'"),
        ("path,class\na.mp4,1\n", True, r"line 1: unknown or repeated column 'class'; known: path"),
        ("path,frames,label\na.mp4,x,1\n", True, r"line 2: frames is 'x', expected a whole number"),
        ("a.mp4,run\nb.mp4,sit\n", True, r"line 2: unknown class 'sit'; classes: jump, run"),
        ('a.mp4,"run\n', True, r"a\.csv is not a CSV"),
    ],
)
def test_a_wrong_csv_is_refused(text: str, labelled: bool, message: str, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        table(tmp_path, text, labelled, ("jump", "run"))


@pytest.mark.parametrize(
    "text", ["0 jump\n1 clean something\n2 run\n", "2 run\n0 jump\n\n1 clean something\n", "jump\nclean something\nrun"]
)
def test_classes_are_read_in_the_order_of_their_labels(text: str, tmp_path: Path):
    (tmp_path / "classes.txt").write_text(text)
    assert read_classes(tmp_path / "classes.txt") == ("jump", "clean something", "run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no classes"),
        ("1 jump\n2 run\n", r"line 1: class 'jump' has number 1; the next one due is 0"),
        ("0 jump\n2 run\n", r"line 2: class 'run' has number 2; the next one due is 1"),
        ("0 jump\n0 run\n", r"class 'run' has number 0; the next one due is 1"),
        ("0 jump\nrun\n", r"line 2: expected a number and a class"),
        ("jump\nrun\njump\n", r"names the class 'jump' more than once"),
    ],
)
def test_a_wrong_table_of_classes_is_refused(text: str, message: str, tmp_path: Path):
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        read_classes(tmp_path / "classes.txt")
