"""Writes lists of videos, such that `glad.data.listing` reads back the very same rows."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from glad.errors import UserError

SUFFIXES = (".txt", ".csv")


class Row(NamedTuple):
    """A row of a list; what the list does not hold is None in all of them."""

    path: str
    offset: int | None = None
    frames: int | None = None
    label: int | None = None


def list_text(rows: Sequence[Row], classes: Sequence[str] | None = None) -> tuple[str, str]:
    """Return `rows` as a list, and the suffix of its file.

    It is `.txt`, with `path frames label` or `path offset frames label`; or `.csv` where no frames are known, or a path
    has white space. Labels of a CSV are the names in `classes`, but numbers where a name would be read as something
    else; for names to be read in this order, the reader needs `classes` too, or the sorted names are the classes.
    """
    check_paths(row.path for row in rows)
    columns = [name for name in Row._fields if any(getattr(row, name) is not None for row in rows)]
    if "frames" in columns and not any(re.search(r"\s", row.path) for row in rows):
        return "".join(" ".join(str(getattr(row, name)) for name in columns) + "\n" for row in rows), ".txt"
    names = classes if classes and _read_back({classes[row.label] for row in rows if row.label is not None}) else None
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for row in rows:
        named = row if names is None or row.label is None else row._replace(label=names[row.label])
        table.writerow(getattr(named, name) for name in columns)
    return text.getvalue(), ".csv"


def check_paths(paths: Iterable[str]) -> None:
    """Refuse a path that no list can hold."""
    for path in paths:
        if path != path.strip() or re.search(r"[\r\n]", path):
            raise UserError(
                f"{path!r} begins or ends in white space, or has a line break; no list can hold it, rename it"
            )
        check_utf8(path)


def check_utf8(name: str) -> None:
    """Refuse a name that is not UTF-8, as the lists, pages and recipes are that would hold it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(f"the name {name!r} is not UTF-8; no list can hold it, rename it") from None


def _read_back(names: set[str]) -> bool:
    """Return whether class names in a CSV are read as these names; all of them numbers, they would be labels."""
    plain = all(name == name.strip() and not re.search(r"[\r\n]", name) for name in names)
    return plain and not all(re.fullmatch(r"[+-]?\d+", name) for name in names)
