"""What is written as a list is read as it was meant."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glad.data.listing import open_listing
from glad.data.listtext import Row, list_text
from glad.errors import UserError


def read(folder: Path, rows: list[Row], classes: tuple[str, ...] | None = None) -> list[Row]:
    text, suffix = list_text(rows, classes)
    file = folder / f"list{suffix}"
    file.write_bytes(text.encode())
    listing = open_listing(file, classes, rows[0].label is not None, allow_empty_classes=True)
    return [Row(r.path, r.offset, r.frames, r.label) for r in (listing[k] for k in range(len(listing)))]


@pytest.mark.parametrize(
    ("rows", "classes", "text"),
    [
        ([Row("a", 2, 9, 1)], None, "a 2 9 1\n"),
        ([Row("a", None, 9, 1)], ("x", "y"), "a 9 1\n"),
        ([Row("a", None, 9)], None, "a 9\n"),
        ([Row("a b", 2, 9, 1)], None, "path,offset,frames,label\na b,2,9,1\n"),
        ([Row("a, b", None, 9, 1)], ("x", "y"), 'path,frames,label\n"a, b",9,y\n'),
        ([Row("a", label=0)], ("x", "y"), "path,label\na,x\n"),
        ([Row("a", label=2), Row("b", label=0)], ("1", "2", "10"), "path,label\na,2\nb,0\n"),
        ([Row("a", label=1)], ("x", "2"), "path,label\na,1\n"),
        ([Row("a", label=1)], ("x", "y "), "path,label\na,1\n"),
        ([Row("a")], None, "path\na\n"),
    ],
)
def test_rows_by_hand(rows: list[Row], classes: tuple[str, ...] | None, text: str, tmp_path: Path):
    assert list_text(rows, classes) == (text, ".csv" if "path" in text else ".txt")
    assert read(tmp_path, rows, classes) == [row._replace(offset=row.offset or 0) for row in rows]


NAMES = st.text(st.sampled_from('a1 ,"é-+\t'), min_size=1, max_size=4).map(lambda name: f"{name}x").map(str.strip)


@given(
    paths=st.lists(NAMES, min_size=1, max_size=4),
    classes=st.lists(st.sampled_from(["1", "10", "2", "-3", "a", "a b", "ü,", " c"]), min_size=2, unique=True),
    frames=st.sampled_from([None, 7]),
    spans=st.booleans(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_written_is_read_back(paths, classes, frames, spans, tmp_path: Path):
    offset = 3 if spans and frames else None
    rows = [Row(path, offset, frames, k % len(classes)) for k, path in enumerate(paths)]
    assert read(tmp_path, rows, tuple(classes)) == [row._replace(offset=offset or 0) for row in rows]


@pytest.mark.parametrize("path", [" a", "a\t", "a\nb", "a\rb", "a\udcff"])
def test_a_path_that_no_list_can_hold_is_refused(path: str):
    with pytest.raises(UserError, match="no list can hold it, rename it"):
        list_text([Row(path, None, 9, 0)])
