"""Which videos a domain has: an annotation list or a folder becomes a table of paths, spans and labels."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glad.data.frames import FrameLayout, frame_layout
from glad.data.listfile import Refuse, csv_rows, refused, text_rows, usual_form
from glad.data.tree import class_folder_rows, video_rows
from glad.data.video import Video, open_video
from glad.errors import UserError

_LARGEST = 2**31 - 1


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
        root: the folder its paths start at.
        classes: the class names, label k being `classes[k]`; None where they are not known.
        layout: how its frame folders are named and numbered, inferred from the first one; None for video files, or
            while no video is there.
    """

    file: Path
    root: Path
    classes: tuple[str, ...] | None
    layout: FrameLayout | None
    _paths: bytes
    _ends: NDArray[np.int64]
    _lengths: NDArray[np.int32]
    _offsets: NDArray[np.int32]
    _labels: NDArray[np.int32]
    _lines: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self._lengths)

    def __getitem__(self, index: int) -> VideoRecord:
        index = range(len(self))[index]
        start = int(self._ends[index - 1]) if index else 0
        path = self._paths[start : int(self._ends[index])].decode("utf-8", "surrogateescape")
        frames, label = int(self._lengths[index]), int(self._labels[index])
        return VideoRecord(
            path, None if frames < 0 else frames, int(self._offsets[index]), None if label < 0 else label
        )

    @property
    def labelled(self) -> bool:
        """Whether the records carry labels."""
        return bool(self._labels[0] >= 0)

    @property
    def labels(self) -> NDArray[np.int32]:
        """Return the labels `(n,)`; -1 everywhere when there are none."""
        return self._labels.copy()

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Return the frames of each video `(n,)`; -1 where the list does not say."""
        return self._lengths.copy()

    @property
    def offsets(self) -> NDArray[np.int32]:
        """Return the first frame of each video `(n,)`."""
        return self._offsets.copy()

    @property
    def lines(self) -> NDArray[np.int32]:
        """Return the line of each video `(n,)` from 1; 0 for a folder."""
        return self._lines.copy()

    def paths(self) -> list[str]:
        """Return the path of each video."""
        starts = [0, *self._ends[:-1].tolist()]
        return [
            self._paths[start:end].decode("utf-8", "surrogateescape")
            for start, end in zip(starts, self._ends.tolist(), strict=True)
        ]

    def line(self, index: int) -> int | None:
        """Return the line of `file` on which entry `index` stands, from 1; None for a folder."""
        return int(self._lines[index]) or None

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
        first = root / self[0].path
        layout = frame_layout(first) if first.is_dir() else None
        return replace(self, root=root, layout=layout)


class Row(NamedTuple):
    """One entry as read, with its line (0 where there are no lines)."""

    line: int
    path: str
    frames: int | None
    offset: int
    label: int | None


def open_listing(
    source: Path,
    classes: tuple[str, ...] | None = None,
    labelled: bool = False,
    *,
    keep_labels: bool = True,
    root: Path | None = None,
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
    refused unless allowed. `root` is the folder the paths start at, by default the folder itself or that of the list.

    With `refuse`, for one who looks for faults: rows that cannot be used are handed to it and left out, a text list
    has the form of most of its first rows, labels beyond `classes` are let through, and no video is looked for (no
    `layout`).
    """
    each = refused if refuse is None else refuse
    if source.is_dir():
        if labelled and keep_labels:
            rows, classes = class_folder_rows(source, classes)
        else:
            rows = video_rows(source)
        base = source
    elif source.is_file():
        base = source.parent
        if source.suffix.lower() == ".csv":
            rows, classes = csv_rows(source, labelled, classes, each)
        else:
            rows = text_rows(source, labelled, each, None if refuse is None else usual_form(source))
    else:
        raise UserError(f"there is no list and no folder of videos at {source}")
    kept = (Row(*row) if keep_labels else Row(*row[:4], None) for row in rows)
    base = base if root is None else root
    if refuse is not None:
        return _packed(kept, source, base, classes, _LARGEST, refuse)
    listing = _packed(kept, source, base, classes, len(classes) if classes else _LARGEST, refused)
    if listing.labelled and classes is not None and not allow_empty_classes:
        _check_classes(listing, classes)
    return listing.below(listing.root)


def _packed(
    rows: Iterable[Row], file: Path, root: Path, classes: tuple[str, ...] | None, limit: int, refuse: Refuse
) -> Listing:
    """Return `rows` as a listing, every value checked; labels lie below `limit`."""
    paths = bytearray()
    table: list[tuple[int, int, int, int, int]] = []
    for row in rows:
        try:
            _check_row(row, f"{file} line {row.line}" if row.line else str(file), limit)
        except UserError as problem:
            refuse(row.line, str(problem))
            continue
        paths += row.path.encode("utf-8", "surrogateescape")
        frames = -1 if row.frames is None else row.frames
        table.append((len(paths), frames, row.offset, -1 if row.label is None else row.label, row.line))
    if not table:
        raise UserError(f"{file} lists no videos")
    ends, lengths, offsets, labels, lines = np.array(table, np.int64).T
    columns = (column.astype(np.int32) for column in (lengths, offsets, labels, lines))
    return Listing(file, root, classes, None, bytes(paths), ends.copy(), *columns)


def _check_row(row: Row, at: str, limit: int) -> None:
    """Refuse a row with a value out of range; labels lie below `limit`."""
    if row.frames is not None and not 0 < row.frames <= _LARGEST:
        raise UserError(
            f"{at}: a video of {row.frames} frames; the number of frames must be at least 1 (are the fields read "
            "as what they are? a list either ends in labels or does not, and the recipe's `labelled` says which)"
        )
    if not 0 <= row.offset <= _LARGEST:
        raise UserError(f"{at}: an offset of {row.offset}; offsets count frames from 0")
    if row.label is not None and not 0 <= row.label < limit:
        known = f"0..{limit - 1}, the {limit} classes" if limit < _LARGEST else "0, 1, 2, …"
        raise UserError(f"{at}: label {row.label} is outside {known}")
    _check_inside(row.path, at)


def _check_inside(path: str, at: str) -> None:
    """Refuse a path that could lead out of the root."""
    if re.match(r"[/\\]|[A-Za-z]:[/\\]", path):
        raise UserError(f"{at}: the path {path!r} is absolute; paths are given relative to the root folder")
    if not path or "\0" in path or ".." in re.split(r"[/\\]", path):
        raise UserError(f"{at}: the path {path!r} leads out of the root folder; '..' is not allowed in a list")


def _check_classes(listing: Listing, classes: tuple[str, ...]) -> None:
    counts = np.bincount(listing.labels, minlength=len(classes))
    empty = [name for name, count in zip(classes, counts, strict=True) if not count]
    if empty:
        raise UserError(
            f"{listing.file} has no video of {'class' if len(empty) == 1 else 'the classes'} {', '.join(empty)}; "
            f"allow empty classes if that is meant"
        )
