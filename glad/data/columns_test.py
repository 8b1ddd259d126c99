import sys
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glad.data import listing as reading
from glad.data.columns import WIDE_SPACES, Columns, blocks, csv_columns, joined, text_columns
from glad.data.listfile import csv_rows, refused, text_rows
from glad.errors import UserError

CLASSES = ("run", "jump", "run", "ü b")


def told(columns: Columns) -> tuple:
    """Return columns as values that can be compared, their types with them."""
    arrays = (columns.ends, columns.lengths, columns.offsets, columns.labels, columns.lines)
    return columns.paths, [(array.dtype.name, array.tolist()) for array in arrays]


def outcome(read, *given):
    """Return what a call returns, or the sentence it ends in."""
    try:
        found = read(*given)
    except UserError as problem:
        return str(problem)
    return (told(found[0]), found[1]) if isinstance(found, tuple) else told(found)


# What stands in a list as a rule, and now and then.
PATHS = ["a", "b/c", "d/e f.mp4", "ü 3/x"]
ODD_PATHS = [
    "x  y\tz",
    "a..b/c...",
    "..",
    "a/..",
    "/a",
    "\\a",
    "C:/a",
    "a:b",
    "7",
    "b 7",
    "b +7",
    "é\xa0",
    "a\0",
    "",
    '"q"',
]
ODD_GAPS = ["  ", "\t", " \t", "\x0b", "\x1c", "\xa0", "\u2003", ""]
NUMBERS = ["1", "30", "2", "007"]
ODD_NUMBERS = [
    "0",
    "+5",
    "-1",
    "-0",
    "999999999",
    "1000000000",
    "2147483647",
    "2147483648",
    "1_0",
    "1.5",
    "1x",
    "٣",
    "+",
    "",
]
ENDS = ["\n"] * 5 + ["\r\n", "\r", " \n", "\n\n", " \n\t\n", ""]
ODD = ' \t\n\r\x0b\x1d\x85\u3000ab.:/\\019+-,"\0ü'


@st.composite
def lists(draw, comma: bool = False) -> bytes:
    """Return a list whose rows are of one form and good, but for a few; a CSV with `comma`."""

    def one(usual: list[str], odd: list[str], chance: int) -> str:
        return draw(st.sampled_from(odd if odd and draw(st.integers(1, 100)) <= chance else usual))

    chance = draw(st.sampled_from([0, 0, 3, 30]))
    gaps, odd_gaps = ([","], [" ,", ", ", "\t,", ",,"]) if comma else ([" "], ODD_GAPS)
    numbers = one([*NUMBERS, "run"], [], 0) if comma else ""
    cells = ["run", "jump", "ü b"] if numbers == "run" else NUMBERS
    odd_cells = [*ODD_NUMBERS, "sit", "run", "x,"] if comma else ODD_NUMBERS
    form = draw(st.integers(0, 3))
    parts = []
    if comma:
        parts.append(one(["", "path,label\n", "path,frames\n", "Path, offset,frames,label\r\n"], ["path,path\n"], 9))
        form = parts[0].count(",") if parts[0] else form
    for _ in range(draw(st.integers(0, 8))):
        if draw(st.integers(1, 300)) <= chance:
            parts.append(draw(st.text(st.sampled_from(list(ODD)), max_size=12)))
        else:
            parts.append(one(PATHS, ODD_PATHS, chance))
            for k in range(form + (draw(st.integers(1, 100)) <= chance)):
                last = k == form - 1 or not comma
                parts += [one(gaps, odd_gaps, chance), one(cells if last else NUMBERS, odd_cells, chance)]
        parts.append(one(["\n"], ENDS, 50 if chance == 3 else chance))
    content = (one([""], ["\ufeff"], 10) + "".join(parts)).encode()
    if draw(st.integers(1, 300)) <= chance:
        at = draw(st.integers(0, len(content)))
        content = content[:at] + b"\xff" + content[at:]
    return content


@settings(max_examples=300, deadline=None)
@given(lists(), st.booleans(), st.sampled_from([None, 2, 2**31 - 1]), st.sampled_from([4, 30, 2**20]), st.booleans())
@example(b"a 1 2 3\nb 4\n", True, 9, 4, False)
@example(b"a 3 1\nb 3 1\nc 3 1 2 3\nd 3\n", True, 9, 4, True)
@example(b"a 3 1\n5 5 3 1\n", True, 9, 4, False)
@example("a\xa03 1\nb 3 1\n".encode(), True, 9, 4, False)
def test_a_text_list_is_read_as_row_by_row(tmp_path_factory, content, labelled, limit, size, searching):
    file = Path(tmp_path_factory.getbasetemp()) / "any.txt"
    file.write_bytes(content)
    ours: list[tuple[int, str]] = []
    theirs: list[tuple[int, str]] = []

    def quick() -> Columns:
        with patch.object(reading, "blocks", partial(blocks, size=size)):
            refuse = (lambda *fault: ours.append(fault)) if searching else None
            return reading._read_text(file, labelled, limit, refuse)

    def plain() -> Columns:
        refuse = (lambda *fault: theirs.append(fault)) if searching else refused
        form = reading.usual_form(file) if searching else None
        form = form if form is not None and reading.possible_form(form, labelled) else None
        return reading._checked(text_rows(file, labelled, refuse, form), file, limit, refuse)

    expected = outcome(plain)
    found = outcome(quick)
    if isinstance(expected, tuple) and not expected[0]:
        assert found == expected or found == f"{file} lists no videos"
    else:
        assert found == expected
    assert ours == theirs


@settings(max_examples=300, deadline=None)
@given(
    lists(comma=True),
    st.booleans(),
    st.sampled_from([None, CLASSES]),
    st.sampled_from([None, 2, 2**31 - 1]),
    st.booleans(),
)
@example(b"a,run\nb,jump\n\n c , run \n", True, None, 9, False)
@example(b"path,label\na,run\nb,3\n", True, None, 9, False)
@example(b"path,frames,label,offset\na,3,1,-1\n", True, None, 9, False)
@example(b'b,2\n"q",1\n', True, None, 9, False)
@example(b"a,2147483648\n", True, None, 2**31 - 1, False)
def test_a_csv_is_read_as_row_by_row(tmp_path_factory, content, labelled, classes, limit, searching):
    file = Path(tmp_path_factory.getbasetemp()) / "any.csv"
    file.write_bytes(content)
    ours: list[tuple[int, str]] = []
    theirs: list[tuple[int, str]] = []

    def plain():
        refuse = (lambda *fault: theirs.append(fault)) if searching else refused
        rows, names = csv_rows(file, labelled, classes, refuse)
        return reading._checked(rows, file, limit, refuse), names

    expected = outcome(plain)
    refuse = (lambda *fault: ours.append(fault)) if searching else refused
    assert outcome(reading._read_csv, file, labelled, classes, limit, refuse) == expected
    assert ours == theirs


def test_ordinary_lists_take_the_quick_way(tmp_path: Path):
    block = "a/b 30 0\n\nü c\t31  1\n d.e..f 999999999 -1 \n".encode()
    found = text_columns(block, 2, True, None, before=10)
    assert found is not None and found.paths == "a/bü cd.e..f".encode()
    assert found.ends.tolist() == [3, 7, 13] and found.lengths.tolist() == [30, 31, 999999999]
    assert found.offsets.tolist() == [0, 0, 0] and found.labels.tolist() == [-1, -1, -1]
    assert found.lines.tolist() == [11, 13, 14]
    found = text_columns(b"a 5 30 2\nb 60 12 0\n", 3, True, 3)
    assert found is not None and found.offsets.tolist() == [5, 60] and found.labels.tolist() == [2, 0]
    assert text_columns(b"a 5 30 2\nb 60 12 0\n", 3, True, 2) is None
    found = text_columns(b"a.mp4\nb.mp4\n", 0, False, 9)
    assert found is not None and found.lengths.tolist() == [-1, -1] and len(found) == 2

    file = tmp_path / "a.csv"
    file.write_bytes("path,label,frames\na b/c,run, 30\r\n\nd,ü b,5\n".encode())
    found = csv_columns(file, ["path", "label", "frames"], 1, CLASSES, 9)
    assert found is not None and found[0].paths == b"a b/cd" and found[0].lines.tolist() == [2, 4]
    assert found[0].labels.tolist() == [0, 3] and found[0].lengths.tolist() == [30, 5] and found[1] == CLASSES
    found = csv_columns(file, ["path", "label", "frames"], 1, None, None)
    assert found is not None and found[1] == ("run", "ü b") and found[0].labels.tolist() == [-1, -1]


ALONE = [
    *("a 0 1", "a 3 x", "a 3x 1", "a 1_0 1", "a 3", "a 1 3 1", "/a 3 1", "\\a 3 1", "c:/a 3 1", "../a 3 1", "a\0 3 1"),
    *("a\x85 3 1", "a 2147483648 1", "a -3 1", "a 3 -1"),
]


@pytest.mark.parametrize("row", ALONE)
def test_a_block_with_an_odd_row_is_left_alone(row: str):
    assert text_columns(f"b 3 1\n{row}\n".encode(), 2, True, 9) is None
    assert text_columns(b"b 3 1\n", 2, True, 9) is not None


def test_every_wide_space_is_known():
    wide = {chr(code) for code in range(128, sys.maxunicode + 1) if chr(code).isspace()}
    assert {mark.decode() for mark in WIDE_SPACES} == wide


@given(st.lists(st.sampled_from(["a", "\n", "\r", "\r\n", "ü", "xyz"])), st.integers(1, 9))
def test_blocks_are_the_lines_of_the_file(tmp_path_factory, parts: list[str], size: int):
    file = Path(tmp_path_factory.getbasetemp()) / "lines.txt"
    file.write_bytes(b"\xef\xbb\xbf" + "".join(parts).encode())
    found = list(blocks(file, size))
    assert all(block.endswith(b"\n") and block.count(b"\r") == 0 for block in found)
    with file.open(encoding="utf-8-sig") as lines:
        assert b"".join(found).decode().splitlines() == [line.removesuffix("\n") for line in lines]


def test_parts_are_joined():
    first, second = text_columns(b"ab 3\nc 4\n", 1, False, 9), text_columns(b"de 5\n", 1, False, 9, before=2)
    assert first is not None and second is not None
    both = joined([first, second])
    assert both.paths == b"abcde" and both.ends.tolist() == [2, 3, 5] and both.lines.tolist() == [1, 2, 3]
    assert both.lengths.dtype == np.int32 and both.lengths.tolist() == [3, 4, 5]
