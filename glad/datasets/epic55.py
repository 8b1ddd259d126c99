"""EPIC-KITCHENS-55 as three domains, one kitchen each: segments of long recordings, the labels being the verb class.

The training segments are the rows of the kitchen in the official `EPIC_train_action_labels.csv`. The test segments lie
in recordings of EPIC's own test set, whose labels are not in that file; MM-SADA published them as `D1_test.pkl` to
`D3_test.pkl`, tables that pandas reads. A `D1_test.csv` made from one is read here; a pickle is not, since reading one
runs what is in it.
"""

from collections.abc import Sequence
from pathlib import Path

from glad.data.frames import numbered_frames
from glad.datasets.classmap import Labels
from glad.datasets.found import (
    Entry,
    Found,
    Missing,
    Reader,
    Split,
    annotation_file,
    annotation_files,
    found_by_stem,
    gathered,
    is_number,
    table_of,
)
from glad.errors import UserError

KITCHENS = {"D1": "P08", "D2": "P01", "D3": "P22"}  # Munro and Damen, CVPR 2020
_NUMBERS = ("start_frame", "stop_frame", "verb_class")
Segment = tuple[str, int, int, int]  # recording, first and last frame number, label


def kitchen_reader(domain: str) -> Reader:
    """Return the reader of one domain, D1, D2 or D3."""
    participant = KITCHENS[domain]

    def read(root: Path, annotations: Sequence[Path], labels: Labels, /) -> Found:
        """Return the segments of the kitchen whose verb class is in `labels`, by its number (`"3"` is close).

        `root` holds, at any depth, a folder of frames per recording (`P08_01/frame_0000000001.jpg`) as EPIC publishes
        them, at 60 frames a second: `start_frame` and `stop_frame` are numbers of these files, both inclusive.
        """
        train = annotation_file(annotations, "EPIC_train_action_labels.csv", "of epic-kitchens-55-annotations")
        segments: dict[Split, list[Segment]] = {"train": _segments(train, participant, labels), "test": []}
        missing: list[Missing] = []
        if tests := annotation_files(annotations, f"{domain}_test.csv"):
            segments["test"] = _segments(tests[0], participant, labels)
        else:
            why = "EPIC's own files hold no labels of these; make it of MM-SADA's pickle (docs/benchmarks.md)"
            missing.append(Missing("test", f"{domain}_test.csv", why))
        return _on_disk(root, segments, missing)

    return read


def _segments(file: Path, participant: str, labels: Labels) -> list[Segment]:
    rows = table_of(file)
    lacking = {"video_id", "participant_id", *_NUMBERS} - set(rows[0][1] if rows else ())
    if lacking:
        raise UserError(f"{file}: no column {', '.join(sorted(lacking))} in its first line")
    found: list[Segment] = []
    for number, row in rows:
        if row["participant_id"] != participant or (label := labels.get(row["verb_class"])) is None:
            continue
        if not (is_number(row["start_frame"]) and is_number(row["stop_frame"])):
            raise UserError(f"{file} line {number}: start_frame and stop_frame must be whole numbers")
        found.append((row["video_id"], int(row["start_frame"]), int(row["stop_frame"]), label))
    if not found:
        raise UserError(f"{file} has no segment of participant {participant} with a verb class that is asked for")
    return found


def _on_disk(root: Path, segments: dict[Split, list[Segment]], missing: list[Missing]) -> Found:
    """Return the segments as spans of the frame folders below `root`; a span is cut at the ends of its folder."""
    places = found_by_stem(root, {video for rows in segments.values() for video, *_ in rows})
    extent: dict[str, tuple[int, int]] = {}
    entries: list[tuple[Split, Entry]] = []
    for split, rows in segments.items():
        for video, start, stop, label in rows:
            name = f"{video} frames {start} to {stop}"
            if (place := places.get(video)) is None:
                missing.append(Missing(split, name, "the recording is not below the root"))
                continue
            if place not in extent:
                if not (root / place).is_dir():
                    raise UserError(f"{root / place} is a video file; EPIC's frame numbers count its published frames")
                layout, count = numbered_frames(root / place)
                extent[place] = layout.first, layout.first + count - 1
            first, last = extent[place]
            begin, end = max(start, first), min(stop, last)
            if begin > end:
                missing.append(Missing(split, name, f"the folder holds frames {first} to {last}"))
            else:
                entries.append((split, Entry(place, label, begin - first, end - begin + 1)))
    if not entries:
        raise UserError(f"no recording of {segments['train'][0][0].split('_')[0]} is below {root}, such as P08_01")
    return gathered(entries, missing)
