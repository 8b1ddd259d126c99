"""Which videos a domain has: an annotation list or a folder becomes a table of paths, spans and labels."""

import os
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glad.data.blame import blamed
from glad.data.columns import Columns, blocks, csv_columns, joined, text_columns
from glad.data.frames import FrameLayout, frame_layout
from glad.data.listfile import (
    Fields,
    Refuse,
    csv_header,
    csv_rows,
    possible_form,
    refused,
    text_lines,
    text_rows,
    usual_form,
)
from glad.data.listtext import check_utf8
from glad.data.pack import is_pack, open_pack
from glad.data.tree import class_folder_rows, video_rows
from glad.data.video import Video, open_video
from glad.errors import UserError

_LARGEST = 2**31 - 1
_LONGEST_NAME = 255  # bytes
_RANGE = f"{{}} to {_LARGEST:,}"


class VideoRecord(NamedTuple):
    """One entry: `frames` frames of the video at `path` (relative to a root) from frame `offset` on.

    `frames` is None where the list does not say: all from `offset` on. `label` is None where there is none, or where
    it was dropped on reading.
    """

    path: str
    frames: int | None
    offset: int
    label: int | None


@dataclass(frozen=True, eq=False)
class Listing:
    """The videos of one domain, as a few arrays: a million rows are no burden to loader workers.

    Attributes:
        file: the list or folder it was read from.
        root: the folder its paths start at, or a pack.
        classes: the class names, label k being `classes[k]`; None where they are not known.
        layout: how its frame folders are named and numbered, inferred from the first one; None for video files, or
            while no video is there.
    """

    file: Path
    root: Path
    classes: tuple[str, ...] | None
    layout: FrameLayout | None
    _columns: Columns

    def __len__(self) -> int:
        return len(self._columns.lengths)

    def __getitem__(self, index: int) -> VideoRecord:
        index = range(len(self))[index]
        start = int(self._columns.ends[index - 1]) if index else 0
        path = self._columns.paths[start : int(self._columns.ends[index])].decode("utf-8", "surrogateescape")
        frames, label = int(self._columns.lengths[index]), int(self._columns.labels[index])
        return VideoRecord(
            path, None if frames < 0 else frames, int(self._columns.offsets[index]), None if label < 0 else label
        )

    def __iter__(self) -> Iterator[VideoRecord]:
        at, size = 0, 2**14  # rows at a time: a list of all values would outweigh the listing
        columns = self._columns
        for first in range(0, len(self), size):
            some = slice(first, first + size)
            values = (each[some].tolist() for each in (columns.ends, columns.lengths, columns.offsets, columns.labels))
            for end, frames, offset, label in zip(*values, strict=True):
                path = columns.paths[at:end].decode("utf-8", "surrogateescape")
                yield VideoRecord(path, None if frames < 0 else frames, offset, None if label < 0 else label)
                at = end

    @property
    def labelled(self) -> bool:
        """Whether the records carry labels."""
        return bool(self._columns.labels[0] >= 0)

    @property
    def labels(self) -> NDArray[np.int32]:
        """Return the labels `(n,)`; -1 everywhere when there are none."""
        return self._columns.labels.copy()

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Return the frames of each video `(n,)`; -1 where the list does not say."""
        return self._columns.lengths.copy()

    @property
    def offsets(self) -> NDArray[np.int32]:
        """Return the first frame of each video `(n,)`."""
        return self._columns.offsets.copy()

    @property
    def lines(self) -> NDArray[np.int32]:
        """Return the line of each video `(n,)` from 1; 0 for a folder."""
        return self._columns.lines.copy()

    def paths(self) -> list[str]:
        """Return the path of each video."""
        starts = [0, *self._columns.ends[:-1].tolist()]
        return [
            self._columns.paths[start:end].decode("utf-8", "surrogateescape")
            for start, end in zip(starts, self._columns.ends.tolist(), strict=True)
        ]

    def line(self, index: int) -> int | None:
        """Return the line of `file` on which entry `index` stands, from 1; None for a folder."""
        return int(self._columns.lines[index]) or None

    def where(self, index: int) -> str:
        """Return where entry `index` stands, to open an error with: `train.txt line 3`."""
        line = self.line(index)
        return f"{self.file} line {line}" if line else str(self.file)

    def video(self, index: int, root: Path | None = None) -> Video:
        """Return the video of entry `index`, restricted to its span; it is looked for below `root`.

        Frame i of it is file `layout.first + offset + i` of a frame folder, or frame `offset + i` of a video file.
        """
        record = self[index]
        return open_video(
            (root or self.root) / record.path,
            offset=record.offset,
            length=record.frames,
            layout=self.layout,
            origin=self.where(index) if self.line(index) else "",
        )

    def below(self, root: Path) -> "Listing":
        """Return the same listing with its videos below `root`, and the layout of the frame folders found there."""
        if root.is_file():
            open_pack(root)  # refused here where it is none, or is damaged
        first = root / self[0].path
        layout = frame_layout(first) if first.is_dir() else None
        return replace(self, root=root, layout=layout)


def open_listing(
    source: Path | str,
    classes: tuple[str, ...] | None = None,
    labelled: bool = False,
    *,
    keep_labels: bool = True,
    root: Path | str | None = None,
    allow_empty_classes: bool = False,
    refuse: Refuse | None = None,
) -> Listing:
    """Return the videos that `source` lists, in one of these forms.

    - a text list: rows `path frames label` or `path offset frames label` when `labelled`, else `path`, `path frames`
      or `path offset frames`; one form throughout, and paths may hold spaces.
    - a CSV: `path,label`, or `path` alone; with a header line also columns `offset` and `frames`. A label is a class
      name or a number.
    - a folder: when `labelled`, of class folders of videos, else of videos at any depth. A video is a video file or
      a folder of numbered images.

    `labelled` says what the source holds. `keep_labels=False` drops the labels here, at the door, so that those of
    an unlabelled target cannot reach training. Labels are checked against `classes`; a class without a video is
    refused unless allowed. `root` is the folder the paths start at, or a pack (`glad.data.pack`); by default the folder
    itself or that of the list.

    With `refuse`, for one who looks for faults: rows that cannot be used are handed to it and left out, a text list
    has the form of most of its first rows, labels beyond `classes` are let through, and no video is looked for (no
    `layout`).
    """
    each = refused if refuse is None else refuse
    known = len(classes) if classes and refuse is None else _LARGEST
    limit = known if keep_labels else None
    source = Path(source)
    if source.is_dir():
        if labelled and keep_labels:
            rows, classes = class_folder_rows(source, classes)
        else:
            rows = video_rows(source)
        columns, base = _checked(rows, source, limit, each), source
    elif is_pack(source):
        raise UserError(f"{source} is a pack and no list; name the list it was made of, and the pack as its root")
    elif source.is_file():
        base = source.parent
        if source.suffix.lower() == ".csv":
            columns, classes = _read_csv(source, labelled, classes, limit, each)
        else:
            columns = _read_text(source, labelled, limit, refuse)
    else:
        raise UserError(f"there is no list and no folder of videos at {source}")
    if not len(columns):
        raise UserError(f"{source} lists no videos")
    listing = Listing(source, base if root is None else Path(root), classes, None, columns)
    if refuse is not None:
        return listing
    if listing.labelled and classes is not None and not allow_empty_classes:
        _check_classes(listing, classes)
    return listing.below(listing.root)


def _read_text(file: Path, labelled: bool, limit: int | None, refuse: Refuse | None) -> Columns:
    """Return the rows of a text list; blocks of lines that `text_columns` leaves alone are read row by row."""
    each = refused if refuse is None else refuse
    form = usual_form(file, 1 if refuse is None else 1000)
    told = form if refuse is not None and possible_form(form, labelled) else None  # else it is that of the first row
    if not possible_form(form, labelled) or not _is_text(file):
        return _checked(text_rows(file, labelled, each, told), file, limit, each)
    parts: list[Columns] = []
    before = 0
    for block in blocks(file):
        part = text_columns(block, form, labelled, limit, before)
        if part is None:
            lines = [
                (k, line) for k, text in enumerate(block.decode().split("\n"), before + 1) if (line := text.strip())
            ]
            try:
                part = _checked(text_rows(file, labelled, each, form, lines), file, limit, each)
            except UserError:
                if refuse is not None:
                    raise
                return _checked(text_rows(file, labelled), file, limit, refused)  # which knows the line of the form
        parts.append(part)
        before += block.count(b"\n")
    return joined(parts)


def _read_csv(
    file: Path, labelled: bool, classes: tuple[str, ...] | None, limit: int | None, refuse: Refuse
) -> tuple[Columns, tuple[str, ...] | None]:
    """Return the rows of a CSV and its classes; a file that `csv_columns` leaves alone is read row by row."""
    line, text = next(text_lines(file), (0, '"'))
    if '"' not in text and _is_text(file):
        try:
            names, header = csv_header(file, line, [cell.strip() for cell in text.split(",")], labelled)
            if found := csv_columns(file, names, header, classes, limit):
                return found
        except UserError:
            pass  # told below, unless something before it is wrong
    rows, classes = csv_rows(file, labelled, classes, refuse)
    return _checked(rows, file, limit, refuse), classes


def _is_text(file: Path) -> bool:
    """Return whether all of a file is UTF-8."""
    try:
        return all(blocks(file))
    except (OSError, UnicodeDecodeError):
        return False


def _checked(rows: Iterable[Fields], file: Path, limit: int | None, refuse: Refuse) -> Columns:
    """Return `rows` as arrays, every value checked; labels lie below `limit`, None drops them."""
    paths = bytearray()
    ends, numbers = array("q"), array("i")
    for line, path, frames, offset, given in rows:
        label = given if limit is not None else None
        try:
            _check_row(path, frames, offset, label, f"{file} line {line}" if line else str(file), limit or _LARGEST)
        except UserError as problem:
            refuse(line, str(problem))
            continue
        paths += path.encode("utf-8", "surrogateescape")
        ends.append(len(paths))
        numbers.extend((-1 if frames is None else frames, offset, -1 if label is None else label, line))
    columns = np.array(numbers, np.int32).reshape(-1, 4).T
    return Columns(bytes(paths), np.array(ends, np.int64), *(column.copy() for column in columns))


def _check_row(path: str, frames: int | None, offset: int, label: int | None, at: str, limit: int) -> None:
    """Refuse a row with a value out of range; labels lie below `limit`."""
    if frames is not None and not 0 < frames <= _LARGEST:
        raise UserError(
            f"{at}: a video of {_told(frames)} frames; the number of frames must be {_RANGE.format(1)} (are the fields "
            "read as what they are? a list either ends in labels or does not, and the recipe's `labelled` says which)"
        )
    if not 0 <= offset <= _LARGEST:
        raise UserError(f"{at}: an offset of {_told(offset)}; offsets count frames from 0 and are {_RANGE.format(0)}")
    if label is not None and not 0 <= label < limit:
        known = f"0..{limit - 1}, the {limit} classes" if limit < _LARGEST else "0, 1, 2, …"
        raise UserError(f"{at}: label {_told(label)} is outside {known}")
    _check_inside(path, at)
    if not path.isascii():
        with blamed(at):
            check_utf8(path)


def _told(number: int) -> str:
    """Return a number for an error; numbers beyond all range are read as some such number."""
    return str(number) if abs(number) < 10**15 else f"{'-' * (number < 0)}10^15 or more"


def _check_inside(path: str, at: str) -> None:
    """Refuse a path that could lead out of the root, or that cannot be one."""
    if re.match(r"[/\\]|[A-Za-z]:[/\\]", path):
        raise UserError(f"{at}: the path {path!r} is absolute; paths are given relative to the root folder")
    if "\0" in path:
        raise UserError(f"{at}: the path {path!r} holds a zero byte, as no path can; was the file written as UTF-16?")
    if 4 * len(path) > _LONGEST_NAME and any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.split("/")):
        raise UserError(
            f"{at}: a name in the path '{path[:40]}…' is longer than {_LONGEST_NAME} bytes, as no file's is"
        )
    if not path or ".." in re.split(r"[/\\]", path):
        raise UserError(f"{at}: the path {path!r} leads out of the root folder; '..' is not allowed in a list")


def _check_classes(listing: Listing, classes: tuple[str, ...]) -> None:
    counts = np.bincount(listing.labels, minlength=len(classes))
    empty = [name for name, count in zip(classes, counts, strict=True) if not count]
    if empty:
        raise UserError(
            f"{listing.file} has no video of {'class' if len(empty) == 1 else 'the classes'} {', '.join(empty)}; "
            f"allow empty classes if that is meant"
        )
