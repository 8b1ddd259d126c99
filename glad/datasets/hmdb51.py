"""HMDB51 as it is downloaded: class folders of videos, and one official split file per class, `*_test_split1.txt`."""

from collections.abc import Sequence
from pathlib import Path

from glad.datasets.classmap import Labels
from glad.datasets.found import Found, Split, Wanted, annotation_file, found_in_class_folders, lines_of, stem_of
from glad.errors import UserError

SPLITS: dict[str, Split | None] = {"0": None, "1": "train", "2": "test"}  # 0: in neither


def read_hmdb51(root: Path, annotations: Sequence[Path], labels: Labels) -> Found:
    """Return the videos of the classes in `labels`, split by official split 1: 70 and 30 of each class.

    `root` holds the class folders (`climb/NAME.avi`, or frame folders of these names); a split file has lines
    `NAME.avi 1`, 1 being training, 2 test, 0 neither.
    """
    wanted: list[Wanted] = []
    for folder, label in labels.items():
        file = annotation_file(annotations, f"{folder}_test_split1.txt", "of HMDB51's 70/30 splits")
        for number, line in lines_of(file):
            words = line.rsplit(None, 1)
            if len(words) != 2 or words[1] not in SPLITS:
                raise UserError(f"{file} line {number}: expected `VIDEO.avi 0`, 1 or 2, found {line!r}")
            if split := SPLITS[words[1]]:
                wanted.append(Wanted(split, folder, stem_of(words[0]), label))
    return found_in_class_folders(root, wanted, "its split files")
