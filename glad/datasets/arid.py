"""ARID, actions in the dark: class folders of videos, and the official lists `ARID_split1_train.txt`, `…_test.txt`."""

from collections.abc import Sequence
from pathlib import Path

from glad.datasets.classmap import Labels, labels_by_spelling, spelled
from glad.datasets.found import Found, Split, Wanted, annotation_file, found_in_class_folders, lines_of, stem_of
from glad.errors import UserError

LISTS: tuple[tuple[Split, str], ...] = (("train", "ARID_split1_train.txt"), ("test", "ARID_split1_test.txt"))


def read_arid(root: Path, annotations: Sequence[Path], labels: Labels) -> Found:
    """Return the videos of the classes in `labels`, split by official split 1.

    `root` holds the class folders (`Drink/Drink_1_9.mp4`); the lists have lines `22 0 Drink/Drink_1_9.avi`, whose
    suffix may differ from that of the files.
    """
    known = labels_by_spelling(labels)
    wanted: list[Wanted] = []
    for split, name in LISTS:
        file = annotation_file(annotations, name, "of ARID's split 1")
        for number, line in lines_of(file):
            words = line.split(None, 2)
            parts = words[-1].split("/")
            if len(words) != 3 or len(parts) != 2:
                raise UserError(f"{file} line {number}: expected `NUMBER LABEL CLASS/VIDEO`, found {line!r}")
            if (label := known.get(spelled(parts[0]))) is not None:
                wanted.append(Wanted(split, parts[0], stem_of(parts[1]), label))
    return found_in_class_folders(root, wanted, "ARID_split1_train.txt or ARID_split1_test.txt")
