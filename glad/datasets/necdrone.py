"""NEC-Drone: frame folders four levels deep, and annotation files of seven columns, as the dataset's readme has them.

The readme gives the seven classes shared with Kinetics in a table, and says that labels count from 0; that they count
in the order of this table is our reading. It is checked as far as the files allow: the actions of two persons (an
action ID that begins with B) must be the last two, shaking hands and hugging.
"""

from collections.abc import Sequence
from pathlib import Path

from glad.data.frames import numbered_frames
from glad.data.listfile import csv_cells
from glad.datasets.classmap import Labels
from glad.datasets.found import Entry, Found, Missing, Split, annotation_file, gathered, is_number, lines_of
from glad.errors import UserError
from glad.progress import track

LISTS: tuple[tuple[Split, str], ...] = (("train", "NEC-Drone-7*trainlist.csv"), ("test", "NEC-Drone-7*testlist.csv"))
TWO_PERSONS = {"5", "6"}  # shaking hands, hugging


def read_necdrone(root: Path, annotations: Sequence[Path], labels: Labels) -> Found:
    """Return the videos whose label number is in `labels`, in the dataset's own training and test split.

    A row is `drone,action,actor,video,first frame,last frame,label`; its frames lie in drone/action/actor/video below
    `root`, both ends inclusive, by the numbers of the files.
    """
    entries: list[tuple[Split, Entry]] = []
    missing: list[Missing] = []
    for split, pattern in LISTS:
        file = annotation_file(annotations, pattern, "of the dataset's Annotation folder")
        lines = lines_of(file)
        rows = zip(lines, csv_cells(file, lines, strict=False), strict=True)
        for (number, line), cells in track(rows, f"{split} videos", len(lines), "videos"):
            if len(cells) != 7 or not all(is_number(cell) for cell in cells[4:]):
                raise UserError(
                    f"{file} line {number}: expected `drone,action,actor,video,first,last,label`, found {line!r}"
                )
            if cells[6] not in labels:
                raise UserError(f"{file} line {number}: label {cells[6]} is none of the seven, 0 to 6")
            if cells[1].startswith("B") != (cells[6] in TWO_PERSONS):
                raise UserError(
                    f"{file} line {number}: action {cells[1]} with label {cells[6]}; actions of two persons (B…) were "
                    "expected to have labels 5 and 6, so the labels of this file do not count as in the readme's table"
                )
            place, start, stop = "/".join(cells[:4]), int(cells[4]), int(cells[5])
            if not (root / place).is_dir():
                missing.append(Missing(split, place, "no such folder below the root"))
                continue
            layout, count = numbered_frames(root / place)
            if not layout.first <= start <= stop < layout.first + count:
                why = f"frames {start} to {stop}, but the folder holds {layout.first} to {layout.first + count - 1}"
                missing.append(Missing(split, place, why))
                continue
            entries.append((split, Entry(place, labels[cells[6]], start - layout.first, stop - start + 1)))
    if not entries:
        raise UserError(f"none of the {len(missing)} annotated videos is below {root}, such as {missing[0].name}")
    return gathered(entries, missing)
