"""Reads the files that list videos: text lists, CSVs, and tables of classes."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from glad.data.blame import reason
from glad.errors import UserError

Fields = tuple[int, str, int | None, int, int | None]  # line (0: none), path, frames, offset, label
Refuse = Callable[[int, str], None]  # takes the line (0: none) and the sentence on a row that cannot be used

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FORMS = {
    True: {2: "path frames label", 3: "path offset frames label"},
    False: {0: "path", 1: "path frames", 2: "path offset frames"},
}
_COLUMNS = ("path", "offset", "frames", "label")


def refused(_line: int, sentence: str) -> None:
    """Refuse the whole list because of one row."""
    raise UserError(sentence)


def text_rows(
    file: Path,
    labelled: bool,
    refuse: Refuse = refused,
    form: int | None = None,
    lines: Iterable[tuple[int, str]] | None = None,
) -> Iterator[Fields]:
    """Yield the rows of a text list in the forms of the released lists (`open_listing` names them).

    A row is read from its right end, where the numbers are; the rest is the path, spaces included. All rows have
    `form` numbers after the path, by default as many as the first. A row that is no such row goes to `refuse`.
    `lines` are those to read, by default all of the file, as `text_lines` yields them.
    """
    forms = _FORMS[labelled]
    expected = " or ".join(f"`{form}`" for form in forms.values())
    usual = "most rows are"
    assert form is None or form in forms, form
    for line, text in text_lines(file) if lines is None else lines:
        words = text.split()
        numbers = _numbers(words)
        if numbers not in forms:
            hint = "" if labelled or numbers not in _FORMS[True] else "; if the last number is a label, say so"
            refuse(
                line,
                f"{file} line {line}: expected {expected} in {'a labelled' if labelled else 'an unlabelled'} list, "
                f"found {text!r}{hint}",
            )
            continue
        if form is None:
            form, usual = numbers, f"line {line} is"
        if numbers != form:
            refuse(
                line,
                f"{file} line {line}: found `{forms[numbers]}` ({numbers + 1} fields), but {usual} `{forms[form]}` "
                f"({form + 1} fields); a list has one form throughout",
            )
            continue
        path = text.rsplit(None, numbers)[0] if numbers else text
        values = [whole_number(word) for word in words[len(words) - numbers :]]
        label = values.pop() if labelled else None
        frames = values.pop() if values else None
        yield line, path, frames, values.pop() if values else 0, label


def usual_form(file: Path, rows: int = 1000) -> int:
    """Return how many numbers stand after the path in most of the first `rows` rows of a text list."""
    counts = Counter(_numbers(text.split()) for _, text in islice(text_lines(file), rows))
    if not counts:
        raise UserError(f"{file} lists no videos")
    return counts.most_common(1)[0][0]


def possible_form(form: int, labelled: bool) -> bool:
    """Return whether the rows of a text list may have `form` numbers after the path."""
    return form in _FORMS[labelled]


def _numbers(words: list[str]) -> int:
    """Return how many of `words`, the first aside, are numbers at the end."""
    numbers = 0
    while numbers < len(words) - 1 and _INTEGER.fullmatch(words[-1 - numbers]):
        numbers += 1
    return numbers


def csv_rows(
    file: Path, labelled: bool, classes: tuple[str, ...] | None, refuse: Refuse = refused
) -> tuple[list[Fields], tuple[str, ...] | None]:
    """Return the rows of a CSV, and the classes: those given, or else the names found, sorted.

    A row that cannot be used goes to `refuse`.
    """
    lines = list(text_lines(file))
    cells = csv_cells(file, lines)
    names, header = csv_header(file, lines[0][0], cells[0], labelled) if cells else ([], 0)
    if header:
        cells, lines = cells[1:], lines[1:]
    rows: list[tuple[int, dict[str, str]]] = []
    for (line, text), row in zip(lines, cells, strict=True):
        if len(row) != len(names) or not all(row):
            refuse(line, f"{file} line {line}: expected `{','.join(names)}`, found {text!r}")
            continue
        rows.append((line, dict(zip(names, row, strict=True))))
    named = labelled and not all(_INTEGER.fullmatch(row["label"]) for _, row in rows)
    if named and classes is None:
        classes = tuple(sorted({row["label"] for _, row in rows}))
    found: list[Fields] = []
    for line, row in rows:
        try:
            found.append(_fields(file, line, row, classes, named))
        except UserError as problem:
            refuse(line, str(problem))
    return found, classes


def csv_cells(file: Path, lines: Sequence[tuple[int, str]], strict: bool = True) -> list[list[str]]:
    """Return the stripped cells of each of the `lines` of a CSV; `strict` refuses letters beside a quoted cell."""
    try:
        cells = [[cell.strip() for cell in row] for row in csv.reader((text for _, text in lines), strict=strict)]
    except csv.Error as problem:
        raise UserError(f"{file} is not a CSV: {problem}") from None
    if len(cells) != len(lines):
        raise UserError(f"{file} is not a CSV of one row per line; a quoted value spans several lines")
    return cells


def csv_header(file: Path, line: int, cells: list[str], labelled: bool) -> tuple[list[str], int]:
    """Return the columns of a CSV whose first row, on `line`, is `cells`; and the line if it is a header, or 0."""
    header = [cell.lower() for cell in cells]
    if "path" not in header:
        return ["path", "label"] if labelled else ["path"], 0
    unknown = [name for name in header if name not in _COLUMNS or header.count(name) > 1]
    if unknown:
        raise UserError(f"{file} line {line}: unknown or repeated column '{unknown[0]}'; known: {', '.join(_COLUMNS)}")
    if ("label" in header) != labelled:
        held = "a column 'label', but is said to be unlabelled" if not labelled else "no column 'label'"
        raise UserError(f"{file} has {held}")
    return header, line


def _fields(file: Path, line: int, row: dict[str, str], classes: tuple[str, ...] | None, named: bool) -> Fields:
    """Return one row of a CSV as values."""
    for column in ("frames", "offset"):
        if column in row and not _INTEGER.fullmatch(row[column]):
            raise UserError(f"{file} line {line}: {column} is {row[column]!r}, expected a whole number")
    label = None
    if "label" in row and named and classes is not None:
        if row["label"] not in classes:
            raise UserError(f"{file} line {line}: unknown class '{row['label']}'; classes: {', '.join(classes)}")
        label = classes.index(row["label"])
    elif "label" in row:
        label = whole_number(row["label"])
    frames = whole_number(row["frames"]) if "frames" in row else None
    return line, row["path"], frames, whole_number(row.get("offset", "0")), label


def whole_number(text: str) -> int:
    """Return the number that digits, after a sign or none, are; of more than 18, one that is as far out of range."""
    digits = text.lstrip("+-").lstrip("0")[:19]
    return int(digits or "0") * (-1 if text[0] == "-" else 1)


def read_classes(file: Path) -> tuple[str, ...]:
    """Return the class names of a table of lines `0 jump`, or just `jump`, in the order of their labels.

    Numbered lines may stand in any order, but must number the classes 0, 1, 2, … without gap or repeat.
    """
    lines = list(text_lines(file))
    if not lines:
        raise UserError(f"{file} lists no classes")
    split = [text.split(None, 1) for _, text in lines]
    numbered = [len(words) == 2 and bool(_INTEGER.fullmatch(words[0])) for words in split]
    if any(numbered):
        if not all(numbered):
            line, text = lines[numbered.index(False)]
            raise UserError(f"{file} line {line}: expected a number and a class, such as `0 jump`, found {text!r}")
        order = sorted((whole_number(words[0]), words[1], line) for words, (line, _) in zip(split, lines, strict=True))
        for k, (number, name, line) in enumerate(order):
            if number != k:
                raise UserError(f"{file} line {line}: class '{name}' has number {number}; the next one due is {k}")
        names = [name for _, name, _ in order]
    else:
        names = [text for _, text in lines]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{file} names the class '{name}' more than once")
    return tuple(names)


def text_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file that are not blank, stripped, with their numbers from 1."""
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, text in enumerate(lines, start=1):
                if text := text.strip():
                    yield number, text
    except UnicodeDecodeError:
        raise UserError(f"{file} is not a text file in UTF-8") from None
    except OSError as problem:
        raise UserError(f"{file} cannot be read: {reason(problem)}") from None
