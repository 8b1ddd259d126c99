"""Reads regular lists a block of lines at a time, whole columns at once; whatever else stands in a list is left alone.

What is read here is what `listfile` and `listing` read row by row, checks included, and much sooner. A block in which
any row is out of the ordinary gives None, and is then read row by row, which knows what to say of it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK = 2**20  # bytes of a list that are read at once

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

_NEWLINE, _SPACE, _PLUS, _COMMA, _MINUS, _SLASH, _ZERO, _COLON, _BACKSLASH = b"\n +,-/0:\\"
_DIGITS = 9  # of numbers that are read here: they fit their columns, whatever they are
_INTEGER = re.compile(r"[+-]?[0-9]+")
# White space beyond ASCII, at which `str.split` divides a row as well.
WIDE_SPACES = tuple(
    chr(code).encode() for code in (0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
)
_UPWARDS = re.compile(rb"(?:^|[\s/\\,])\.\.(?:[\s/\\,]|$)")
_LONG = 255  # bytes of a path, beyond which a name in it may be longer than a file system takes
_CELL = 2**17  # bytes of a line, beyond which the reader of CSVs may refuse a cell


@dataclass(frozen=True, eq=False)
class Columns:
    """Rows of a list as arrays.

    Attributes:
        paths: all paths in UTF-8, one after another.
        ends: int64 (n,), where in `paths` each ends.
        lengths: int32 (n,), frames; -1 where the list does not say.
        offsets: int32 (n,), the first frame of each.
        labels: int32 (n,); -1 where there is none.
        lines: int32 (n,), from 1; 0 where there are no lines.
    """

    paths: bytes
    ends: NDArray[np.int64]
    lengths: NDArray[np.int32]
    offsets: NDArray[np.int32]
    labels: NDArray[np.int32]
    lines: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ends)


def joined(parts: Iterable[Columns]) -> Columns:
    """Return the rows of `parts`, of which there is at least one, one after another."""
    found = list(parts)
    starts = np.cumsum([0, *(len(part.paths) for part in found)])
    return Columns(
        b"".join(part.paths for part in found),
        np.concatenate([part.ends + start for part, start in zip(found, starts, strict=False)]),
        *(
            np.concatenate([getattr(part, name) for part in found])
            for name in ("lengths", "offsets", "labels", "lines")
        ),
    )


def blocks(file: Path, size: int = BLOCK) -> Iterator[bytes]:
    """Yield a text file in blocks of whole lines, of about `size` bytes, each line ended by a newline alone.

    Raises OSError where it cannot be read, UnicodeDecodeError where it is not UTF-8.
    """
    with file.open("rb") as content:
        left = content.read(max(size, 3)).removeprefix(b"\xef\xbb\xbf") or content.read(size)
        while left:
            more = content.read(size)
            end = left.rfind(b"\n") + 1 if more else len(left)
            block, left = left[:end], left[end:] + more
            if not block.isascii():
                block.decode()
            if b"\r" in block:
                block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if block:
                yield block if block.endswith(b"\n") else block + b"\n"


def text_columns(block: bytes, form: int, labelled: bool, limit: int | None, before: int = 0) -> Columns | None:
    """Return the rows of `block` as `listfile.text_rows` reads them, or None unless every one of them is good.

    A good row is of this form, its numbers are in range, and its path stays inside the root.

    Args:
        block: whole lines of a text list, from `blocks`.
        form: how many numbers stand after each path.
        labelled: whether the last of them is a label.
        limit: labels lie below it; None drops them.
        before: lines of the list before the block.
    """
    text = _bytes(block)
    if text is None:
        return None
    edges = np.flatnonzero(np.diff(text <= _SPACE, prepend=True))
    begins, ends = edges[0::2], edges[1::2]  # of the words
    until = np.searchsorted(begins, np.flatnonzero(text == _NEWLINE))  # words up to the end of each line
    words = np.diff(until, prepend=0)
    lines = np.flatnonzero(words)  # those that are not blank
    first, last = (until - words)[lines], until[lines] - 1
    named = last - form  # the last word of the path
    if (named < first).any() or _a_number(text, begins, ends, named[named > first]):
        return None
    numbers = [_integers(text, begins[last - k], ends[last - k]) for k in range(form)]
    label = numbers.pop(0) if labelled else None
    length = numbers.pop(0) if numbers else _same(-1, lines)
    offset = numbers.pop(0) if numbers else _same(0, lines)
    if length is None or offset is None or (labelled and label is None):
        return None
    if (form > labelled and length.min(initial=1) < 1) or offset.min(initial=0) < 0:
        return None
    if label is None or limit is None:
        label = _same(-1, lines)
    elif label.min(initial=0) < 0 or label.max(initial=0) >= limit:
        return None
    paths = _paths(block, text, begins[first], ends[named])
    return paths and Columns(*paths, length, offset, label, (lines + 1 + before).astype(np.int32))


def csv_columns(
    file: Path, names: list[str], header: int, classes: tuple[str, ...] | None, limit: int | None
) -> tuple[Columns, tuple[str, ...] | None] | None:
    """Return the rows of a CSV as `listfile.csv_rows` reads them, and the classes: those given, or the names found.

    None is returned unless every row of the file is good, and nothing in it is quoted.

    Args:
        file: the CSV, known to be UTF-8.
        names: of its columns.
        header: the line that holds them; 0 where there is none.
        classes: the class names, if they are given.
        limit: labels that are numbers lie below it; None drops all labels.
    """
    parts: list[Columns] = []
    codes: dict[bytes, int] = {}  # of what stands under `label`
    before = 0
    for block in blocks(file):
        found = _csv_block(block, names, header, before, codes)
        if found is None:
            return None
        parts.append(found)
        before += block.count(b"\n")
    if not parts:
        return None
    rows = joined(parts)
    if "label" not in names or not len(rows):
        return rows, classes
    written = [code.decode() for code in codes]
    if not all(_INTEGER.fullmatch(text) for text in written):
        classes = tuple(sorted(written)) if classes is None else classes
        places = {name: k for k, name in reversed(list(enumerate(classes)))}
        if any(text not in places for text in written):
            return None
        values = [places[text] for text in written]
    elif max(map(len, written)) > _DIGITS:
        return None
    else:
        values = [int(text) for text in written]
    labels = np.array(values, np.int32)[rows.labels]
    if limit is None:
        labels = _same(-1, labels)
    elif min(values) < 0 or max(values) >= limit:
        return None
    return replace(rows, labels=labels), classes


def _csv_block(block: bytes, names: list[str], header: int, before: int, codes: dict[bytes, int]) -> Columns | None:
    """Return the rows of a block; its labels are places in `codes` of what is written there."""
    text = _bytes(block)
    if text is None or b'"' in block:
        return None
    newlines = np.flatnonzero(text == _NEWLINE)
    marks = np.flatnonzero((text == _COMMA) | (text == _NEWLINE))
    begins, ends = _trimmed(text, np.concatenate([[0], marks[:-1] + 1]), marks)
    cells = np.diff(np.searchsorted(marks, newlines, side="right"), prepend=0)  # of each line
    rows = (cells > 1) | (begins < ends)[np.cumsum(cells) - 1]  # lines that are not blank
    if header > before:
        rows[header - before - 1 : header - before] = False
    lines = np.flatnonzero(rows)
    if (cells[lines] != len(names)).any() or np.diff(newlines, prepend=-1).max() > _CELL:
        return None
    inside = np.repeat(rows, cells)
    begins, ends = begins[inside].reshape(-1, len(names)), ends[inside].reshape(-1, len(names))
    if (begins == ends).any():
        return None
    column = {name: (begins[:, k], ends[:, k]) for k, name in enumerate(names)}
    length = _integers(text, *column["frames"]) if "frames" in column else _same(-1, lines)
    offset = _integers(text, *column["offset"]) if "offset" in column else _same(0, lines)
    if length is None or offset is None or offset.min(initial=0) < 0:
        return None
    if "frames" in column and length.min(initial=1) < 1:
        return None
    label = _same(-1, lines)
    if "label" in column:
        spans = zip(*(edge.tolist() for edge in column["label"]), strict=True)
        label = np.fromiter((codes.setdefault(block[a:b], len(codes)) for a, b in spans), np.int32, len(lines))
    paths = _paths(block, text, *column["path"])
    return paths and Columns(*paths, length, offset, label, (lines + 1 + before).astype(np.int32))


def _bytes(block: bytes) -> Bytes | None:
    """Return a block as an array; None where it holds characters that may be white space of an unusual kind."""
    text = np.frombuffer(block, np.uint8)
    if np.count_nonzero(text < _SPACE) != block.count(b"\n") + block.count(b"\t"):
        return None
    if not block.isascii() and any(mark in block for mark in WIDE_SPACES):
        return None
    return text


def _a_number(text: Bytes, begins: Places, ends: Places, words: Places) -> bool:
    """Return whether any of `words` may be a number: it holds digits and signs only."""
    if not len(words):
        return False
    other = (text - _ZERO > 9) & (text != _PLUS) & (text != _MINUS)
    spans = np.stack([begins[words], ends[words]], axis=1).ravel()
    return not np.add.reduceat(other, spans, dtype=np.int32)[::2].all()


def _integers(text: Bytes, begins: Places, ends: Places) -> NDArray[np.int32] | None:
    """Return the numbers that stand between `begins` and `ends`; None if any is none, or has too many digits."""
    sign = text[begins]
    digits = ends - begins - ((sign == _PLUS) | (sign == _MINUS))
    if digits.min(initial=1) < 1 or digits.max(initial=0) > _DIGITS:
        return None
    value = _same(0, begins)
    for place in range(int(digits.max(initial=0))):
        digit = text[ends - 1 - place] - _ZERO
        digit[digits <= place] = 0
        if digit.max() > 9:
            return None
        value += digit * np.int32(10**place)
    return np.where(sign == _MINUS, -value, value)


def _trimmed(text: Bytes, begins: Places, ends: Places) -> tuple[Places, Places]:
    """Return spans without the white space at either end."""
    begins, ends = begins.copy(), ends.copy()
    for edge, step in ((begins, 1), (ends, -1)):
        while (space := (begins < ends) & (text[edge - (step < 0)] <= _SPACE)).any():
            edge[space] += step
    return begins, ends


def _paths(block: bytes, text: Bytes, begins: Places, ends: Places) -> tuple[bytes, Places] | None:
    """Return the paths between `begins` and `ends` one after another, and where each ends; None for one that strays."""
    if (ends - begins).max(initial=0) > _LONG:
        return None
    first, second = text[begins], text[begins + 1]  # there is always a newline after a path
    if ((first == _SLASH) | (first == _BACKSLASH) | (second == _COLON)).any():
        return None
    if b".." in block and _UPWARDS.search(block):
        return None
    inside = np.zeros(len(text), np.int8)
    inside[begins], inside[ends] = 1, -1
    return text[np.cumsum(inside, dtype=np.int8).view(bool)].tobytes(), np.cumsum(ends - begins)


def _same(value: int, like: NDArray) -> NDArray[np.int32]:
    return np.full(len(like), value, np.int32)
