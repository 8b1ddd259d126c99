"""A list as a check reads it: every usable row in arrays, every unusable one by its line, and whose file it is."""

import hashlib
import posixpath
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glad.data.listfile import csv_cells, text_lines, usual_form
from glad.data.listing import Listing, open_listing
from glad.errors import UserError

# md5 of the lists that were released with the paper's code (Kinetics→BABEL).
RELEASED = {
    "65e57f9016f07af61a68e28246ec4212": "k400_train.txt",
    "3143683702aea30494170d1ef6e5094e": "k400_test.txt",
    "330c63aadc4c03646b2b3c8f5f69dcc3": "babel_train.txt",
    "1c84e7532608003383001bca3ead3ff4": "babel_test.txt",
}


def md5_of(file: Path) -> str:
    """Return the MD5 of a list, by which the released ones are known; empty for a folder, or where there is none."""
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() if file.is_file() else ""


@dataclass(frozen=True, eq=False)
class Rows:
    """The usable rows of one list.

    Attributes:
        number: which of the lists checked together it is.
        listing: the rows as a listing; its root is where the videos are looked for.
        labelled: whether the rows hold labels.
        videos: the distinct paths, in the order they are first named.
        video: (n,) for each row, which of them.
        frames: (n,) frames of each row, -1 where not known; offset, label (-1: none) and line (0: none) likewise.
        faults: line and sentence of every row that cannot be used.
        md5, sha256: of the file; empty for a folder.
    """

    number: int
    listing: Listing
    labelled: bool
    videos: tuple[str, ...]
    video: NDArray[np.int64]
    frames: NDArray[np.int64]
    offset: NDArray[np.int64]
    label: NDArray[np.int64]
    line: NDArray[np.int64]
    faults: tuple[tuple[int, str], ...] = ()
    md5: str = ""
    sha256: str = field(default="", repr=False)

    def __len__(self) -> int:
        return len(self.video)

    @property
    def file(self) -> Path:
        """The list or folder."""
        return self.listing.file

    @property
    def released(self) -> str | None:
        """The name of the released list that this file is, byte for byte; None when it is none."""
        return RELEASED.get(self.md5)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The class names, where they are known."""
        return self.listing.classes

    def where(self, row: int) -> str:
        """Return what to call a row: `line 12`, or its path in a folder."""
        return f"line {self.line[row]}" if self.line[row] else self.videos[self.video[row]]

    def span(self, row: int) -> str:
        """Return the frames of a row, both ends included: `frames 10..39`."""
        start, frames = int(self.offset[row]), int(self.frames[row])
        return f"frames {start}..{start + frames - 1}" if frames >= 0 else f"all frames from {start} on"

    def class_name(self, row: int) -> str:
        """Return the class of a row in quotes, or its number."""
        label = int(self.label[row])
        return f"'{self.classes[label]}'" if self.classes and label < len(self.classes) else f"class {label}"


def read_rows(
    source: Path,
    number: int = 0,
    classes: tuple[str, ...] | None = None,
    root: Path | None = None,
    labelled: bool | None = None,
) -> Rows:
    """Return the rows of a list, CSV or folder; `labelled=None` finds out from its form (`holds_labels`).

    Raises `UserError` where nothing can be read: no file, no text, not one usable row.
    """
    if not source.exists():
        raise UserError(f"there is no list and no folder of videos at {source}")
    labelled = holds_labels(source) if labelled is None else labelled
    faults: list[tuple[int, str]] = []
    try:
        listing = open_listing(
            source, classes, labelled, root=root, refuse=lambda line, text: faults.append((line, text))
        )
    except UserError:
        if not faults:
            raise
        raise UserError(f"no row of {source} can be used; the first fault is: {faults[0][1]}") from None
    paths = [_plain(path) for path in listing.paths()]
    places: dict[str, int] = {}
    video = np.fromiter((places.setdefault(path, len(places)) for path in paths), np.int64, len(paths))
    return Rows(
        number,
        listing,
        labelled,
        tuple(places),
        video,
        listing.lengths.astype(np.int64),
        listing.offsets.astype(np.int64),
        listing.labels.astype(np.int64),
        listing.lines.astype(np.int64),
        tuple(sorted(faults)),
        md5_of(source),
        hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else "",
    )


def holds_labels(source: Path) -> bool:
    """Return whether the rows of `source` end in labels, by their form.

    A folder is one of class folders. A text list of two or three numbers a row ends in a label; two numbers could also
    be offset and length, so a list without labels must say so. A CSV has a column `label`, or else a second column.
    """
    if source.is_dir():
        return True
    if source.suffix.lower() != ".csv":
        return usual_form(source) >= 2
    first = list(islice(text_lines(source), 1))
    header = [cell.lower() for cells in csv_cells(source, first) for cell in cells]
    return "label" in header if "path" in header else len(header) > 1


def _plain(path: str) -> str:
    """Return a path without doubled or trailing slashes and without `.`, so that one video has one path."""
    return posixpath.normpath(path) if path[0] == "." or path[-1] == "/" or "//" in path or "/./" in path else path
