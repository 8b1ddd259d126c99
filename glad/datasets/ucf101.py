"""UCF101 as it is downloaded: class folders of videos, and the official lists `trainlist01.txt`, `testlist01.txt`."""

from collections.abc import Sequence
from pathlib import Path

from glad.datasets.classmap import Labels, labels_by_spelling, spelled
from glad.datasets.found import Found, Split, Wanted, annotation_file, found_in_class_folders, lines_of, stem_of
from glad.errors import UserError

LISTS: tuple[tuple[Split, str], ...] = (("train", "trainlist01.txt"), ("test", "testlist01.txt"))


def read_ucf101(root: Path, annotations: Sequence[Path], labels: Labels) -> Found:
    """Return the videos of the classes in `labels`, split by official split 1.

    `root` holds the class folders (`Archery/v_Archery_g01_c01.avi`, or frame folders of these names); the lists have
    lines `Archery/v_Archery_g01_c01.avi 3`, without the number in the test list.
    """
    known = labels_by_spelling(labels)
    wanted: list[Wanted] = []
    for split, name in LISTS:
        file = annotation_file(annotations, name, "of UCF101's action recognition splits")
        for number, line in lines_of(file):
            words = line.split("/")
            if len(words) != 2 or not (video := words[1].split(".avi")[0]):
                raise UserError(f"{file} line {number}: expected `CLASS/VIDEO.avi`, found {line!r}")
            if (label := known.get(spelled(words[0]))) is not None:
                wanted.append(Wanted(split, words[0], stem_of(video), label))
    return found_in_class_folders(root, wanted, "trainlist01.txt or testlist01.txt")
