"""Jester: frame folders named by number, and the official `jester-v1-train.csv` and `jester-v1-validation.csv`."""

from collections.abc import Sequence
from pathlib import Path

from glad.datasets.classmap import Labels, labels_by_spelling, spelled
from glad.datasets.found import Entry, Found, Missing, Split, annotation_file, found_by_stem, gathered, lines_of
from glad.errors import UserError

LISTS: tuple[tuple[Split, str], ...] = (("train", "*train.csv"), ("test", "*validation.csv"))


def read_jester(root: Path, annotations: Sequence[Path], labels: Labels) -> Found:
    """Return the videos of the gestures in `labels`; the official validation split is the test split.

    The files have lines `34870;Drumming Fingers`; `root` holds a frame folder `34870`.
    """
    known = labels_by_spelling(labels)
    wanted: list[tuple[Split, str, int]] = []
    for split, pattern in LISTS:
        file = annotation_file(annotations, pattern, "jester-v1, of the dataset's annotations")
        for number, line in lines_of(file):
            name, mark, gesture = line.partition(";")
            if not mark or not name.isdigit():
                raise UserError(f"{file} line {number}: expected `NUMBER;GESTURE`, found {line!r}")
            if (label := known.get(spelled(gesture))) is not None:
                wanted.append((split, name, label))
    places = found_by_stem(root, {name for _, name, _ in wanted})
    if not places:
        raise UserError(f"none of the {len(wanted)} videos asked for is below {root}; a video is a folder like 34870")
    entries: list[tuple[Split, Entry]] = [
        (split, Entry(places[name], label)) for split, name, label in wanted if name in places
    ]
    missing = [Missing(split, name, "it is not below the root") for split, name, _ in wanted if name not in places]
    return gathered(entries, missing)
