"""What a dataset on disk has for a benchmark: the videos that are there, and by name those that should be."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from glad.data.blame import reason
from glad.data.listfile import csv_cells, text_lines
from glad.data.movie import MOVIE_SUFFIXES
from glad.datasets.classmap import Labels, spelled
from glad.errors import UserError
from glad.progress import say

Split = Literal["train", "test"]


class Entry(NamedTuple):
    """A video below the root of its dataset, with its label; a part of it where `offset` and `frames` are given."""

    path: str
    label: int
    offset: int | None = None
    frames: int | None = None


class Missing(NamedTuple):
    """Something that was looked for in vain: in which split, its name, and why it is left out."""

    split: Split
    name: str
    why: str


@dataclass(frozen=True)
class Found:
    """The videos of both splits, and what is missing."""

    train: tuple[Entry, ...] = ()
    test: tuple[Entry, ...] = ()
    missing: tuple[Missing, ...] = ()

    def split(self, split: Split) -> tuple[Entry, ...]:
        """Return the videos of one split."""
        return self.train if split == "train" else self.test


class Reader(Protocol):
    """Reads one dataset: from its folder, its annotation files, and the labels its classes have."""

    def __call__(self, root: Path, annotations: Sequence[Path], labels: Labels, /) -> Found: ...


class Wanted(NamedTuple):
    """A video that an annotation file names: its class folder, its file name without suffix, its label."""

    split: Split
    folder: str
    stem: str
    label: int


def gathered(entries: Iterable[tuple[Split, Entry]], missing: Iterable[Missing]) -> Found:
    """Return the entries by split, sorted by path."""
    table: dict[Split, list[Entry]] = {"train": [], "test": []}
    for split, entry in entries:
        table[split].append(entry)
    sort = {split: tuple(sorted(rows, key=lambda row: (row[0], row[2] or 0, row[1]))) for split, rows in table.items()}
    return Found(sort["train"], sort["test"], tuple(missing))


def found_in_class_folders(root: Path, wanted: Sequence[Wanted], lists: str) -> Found:
    """Return which of `wanted` lie in the class folders of `root`; `lists` names the files that want them."""
    folders = class_folders(root)
    inside: dict[str, Mapping[str, str]] = {}
    entries: list[tuple[Split, Entry]] = []
    missing: list[Missing] = []
    for split, folder, stem, label in wanted:
        name = folders.get(spelled(folder))
        if name is None:
            missing.append(Missing(split, f"{folder}/{stem}", "its class folder is not there"))
            continue
        if name not in inside:
            inside[name] = videos_by_stem(root / name)
        if (video := inside[name].get(stem)) is None:
            missing.append(Missing(split, f"{folder}/{stem}", f"it is not in {name}"))
        else:
            entries.append((split, Entry(f"{name}/{video}", label)))
    if not entries:
        raise UserError(
            f"none of the {len(wanted)} videos that {lists} names is below {root}, which holds "
            f"{_shown(folders.values())}; give the folder that holds the class folders{_hint(root, wanted)}"
        )
    return gathered(entries, missing)


def class_folders(root: Path) -> dict[str, str]:
    """Return the folders in `root`, by their names as `spelled`; one sentence where two are one class."""
    found: dict[str, str] = {}
    for entry in _scanned(root):
        if entry.is_dir() and (other := found.setdefault(spelled(entry.name), entry.name)) != entry.name:
            raise UserError(f"the folders '{other}' and '{entry.name}' of {root} are two spellings of one class")
    return found


def videos_by_stem(folder: Path) -> dict[str, str]:
    """Return the videos in `folder`, files and frame folders, by their names without the suffix of a video file."""
    found: dict[str, str] = {}
    for entry in _scanned(folder):
        if not (is_folder := entry.is_dir()) and Path(entry.name).suffix.lower() not in MOVIE_SUFFIXES:
            continue
        stem = unicodedata.normalize("NFC", entry.name) if is_folder else stem_of(entry.name)
        if (other := found.setdefault(stem, entry.name)) != entry.name:
            raise UserError(f"{folder} holds both {other} and {entry.name}; keep one of them, or the trees apart")
    return found


def found_by_stem(root: Path, wanted: set[str]) -> dict[str, str]:
    """Return where below `root` the `wanted` videos are, at any depth, by name without suffix.

    A folder that has a wanted name is a video, and is not looked into.
    """
    if not root.is_dir():
        raise UserError(f"there is no folder {root}")
    say(f"looking below {root} for {len(wanted)} videos")
    found: dict[str, str] = {}
    for folder, inside, files in os.walk(root):
        names = [(unicodedata.normalize("NFC", name), name) for name in inside]
        names += [(stem_of(name), name) for name in files if Path(name).suffix.lower() in MOVIE_SUFFIXES]
        for stem, name in names:
            if stem in wanted:
                path = Path(folder, name).relative_to(root).as_posix()
                if (other := found.setdefault(stem, path)) != path:
                    raise UserError(f"{root} holds {stem} twice, as {other} and as {path}; keep one of them")
        inside[:] = sorted(name for name in inside if unicodedata.normalize("NFC", name) not in wanted)
    return found


def stem_of(name: str) -> str:
    """Return the name of a video without the suffix of a video file; other dots are part of the name."""
    name = unicodedata.normalize("NFC", name)
    return name[: -len(Path(name).suffix)] if Path(name).suffix.lower() in MOVIE_SUFFIXES else name


def annotation_files(given: Sequence[Path], pattern: str) -> list[Path]:
    """Return the annotation files whose names fit `pattern`: those given, and those in a folder that is given."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            found += sorted(path.glob(pattern))
        elif not path.exists():
            raise UserError(f"there is no annotation file {path}")
        elif path.match(pattern):
            found.append(path)
    return found


def annotation_file(given: Sequence[Path], pattern: str, what: str) -> Path:
    """Return the one annotation file of that name; `what` says in an error what it is."""
    found = annotation_files(given, pattern)
    if len(found) != 1:
        seen = f"several are given: {', '.join(map(str, found))}" if found else "none is given"
        raise UserError(f"expected one annotation file {pattern} ({what}), {seen}; name it or its folder")
    return found[0]


def lines_of(file: Path) -> list[tuple[int, str]]:
    """Return the lines of a text file that are not blank, stripped, with their numbers from 1."""
    return list(text_lines(file))


def table_of(file: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV by the names in its first line, with their lines; a cell that lacks is empty."""
    lines = lines_of(file)
    header, *rows = csv_cells(file, lines, strict=False) or [[]]
    return [
        (line, dict(zip_longest(header, cells[: len(header)], fillvalue="")))
        for (line, _), cells in zip(lines[1:], rows, strict=True)
    ]


def is_number(text: str) -> bool:
    """Return whether a cell is a whole number, of as many digits as frames and labels have."""
    return text.isascii() and text.isdigit() and len(text) < 10


def counted(entries: Iterable[Entry], classes: Sequence[str]) -> dict[str, int]:
    """Return how many entries each class has."""
    counts = Counter(entry.label for entry in entries)
    return {name: counts[label] for label, name in enumerate(classes)}


def _scanned(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted((e for e in os.scandir(folder) if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as problem:
        raise UserError(f"{folder} cannot be listed: {reason(problem)}") from None


def _shown(names: Iterable[str]) -> str:
    names = sorted(names)
    return f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''}" if names else "no folders"


def _hint(root: Path, wanted: Sequence[Wanted]) -> str:
    """Return where the class folders are, if they are one level further down."""
    classes = {spelled(one.folder) for one in wanted}
    for entry in _scanned(root):
        if entry.is_dir() and classes & class_folders(root / entry.name).keys():
            return f" (did you mean {root / entry.name}?)"
    return ""
