"""Kinetics as it is found on disks: class folders in `train` and `val`, or any tree with the official CSV files."""

from collections.abc import Sequence
from pathlib import Path

from glad.datasets.classmap import Labels, labels_by_spelling, spelled
from glad.datasets.found import (
    Entry,
    Found,
    Missing,
    Split,
    annotation_files,
    found_by_stem,
    gathered,
    lines_of,
    table_of,
)
from glad.datasets.splitfolders import read_split_folders
from glad.errors import UserError

COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")
SPLITS: dict[str, Split | None] = {"train": "train", "val": "test", "validate": "test", "validation": "test"}


def read_kinetics(root: Path, annotations: Sequence[Path], labels: Labels) -> Found:
    """Return the videos of the classes in `labels`; the official validation split is the test split.

    Without CSVs, `root` holds `train/CLASS/VIDEO` and `val/CLASS/VIDEO`, class folders written with spaces or
    underscores. With the official CSVs (`label,youtube_id,time_start,time_end,split`), a video is `ID_000000_000010`
    or `ID`, a file or a frame folder, anywhere below `root`; what has vanished from the net is then named.
    """
    files = [file for file in annotation_files(annotations, "*.csv") if _is_kinetics(file)]
    if not files:
        return read_split_folders(root, annotations, labels)
    wanted = [clip for file in files for clip in _clips(file, labels)]
    if not wanted:
        raise UserError(f"{', '.join(map(str, files))}: no video of any class asked for, such as {next(iter(labels))}")
    places = found_by_stem(root, {name for _, names, _ in wanted for name in names})
    entries: list[tuple[Split, Entry]] = []
    missing: list[Missing] = []
    for split, names, label in wanted:
        place = next((places[name] for name in names if name in places), None)
        if place is None:
            missing.append(Missing(split, names[0], "it is not below the root"))
        else:
            entries.append((split, Entry(place, label)))
    if not entries:
        raise UserError(f"none of the {len(wanted)} videos of {files[0]} is below {root}, such as {wanted[0][1][0]}")
    return gathered(entries, missing)


def _is_kinetics(file: Path) -> bool:
    first = next(iter(lines_of(file)), (0, ""))[1]
    return set(COLUMNS) <= {cell.strip() for cell in first.split(",")}


def _clips(file: Path, labels: Labels) -> list[tuple[Split, tuple[str, str], int]]:
    """Return split, possible names and label of each clip of a class that is asked for."""
    known = labels_by_spelling(labels)
    found: list[tuple[Split, tuple[str, str], int]] = []
    for number, row in table_of(file):
        try:
            start, end, split = int(float(row["time_start"])), int(float(row["time_end"])), row["split"]
            label = known.get(spelled(row["label"]))
        except (ValueError, OverflowError):
            raise UserError(f"{file} line {number}: expected {','.join(COLUMNS)}, found {list(row.values())}") from None
        if label is not None and (kind := SPLITS.get(split)):
            name = row["youtube_id"]
            found.append((kind, (f"{name}_{start:06d}_{end:06d}", name), label))
    return found
