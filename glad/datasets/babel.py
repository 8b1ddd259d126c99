"""BABEL: labelled stretches of motion capture, rebuilt as list rows from its annotation JSON.

The rule is our reading of the released lists (every row there has at least 15 frames, and offsets fit 30 frames a
second): a stretch starts at frame int(30 * start_t) and has int(30 * end_t) - int(30 * start_t) frames; a sequence
without frame labels is one stretch; shorter ones than 15 frames are left out. `glad prepare lists kinetics-babel
--compare` says how far it agrees with lists that are at hand.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from glad.data.blame import reason
from glad.data.frames import numbered_frames
from glad.datasets.classmap import Labels, labels_by_spelling, spelled
from glad.datasets.found import Entry, Found, Missing, Split, annotation_file, gathered, videos_by_stem
from glad.errors import UserError
from glad.progress import track

FPS = 30  # of BABEL's rendered videos
SHORTEST = 15  # frames
FILES: tuple[tuple[Split, str, str], ...] = (("train", "train.json", "train"), ("test", "val.json", "val"))


def read_babel(root: Path | None, annotations: Sequence[Path], labels: Labels) -> Found:
    """Return the stretches of the categories in `labels`: BABEL's `train.json` for training, its `val.json` for test.

    `root` holds `train/008998` and `val/008998`, videos or frame folders; without it no row is looked for on disk.
    """
    entries: list[tuple[Split, Entry]] = []
    missing: list[Missing] = []
    for split, name, folder in FILES:
        file = annotation_file(annotations, name, "of the BABEL release")
        rows = list(babel_rows(_read(file), labels, folder, str(file)))
        if not rows:
            raise UserError(f"{file} has no stretch of {SHORTEST} frames with a category such as {next(iter(labels))}")
        if root is None:
            for row in rows:
                entries.append((split, row))
            continue
        lengths = _lengths(root / folder, {row.path.split("/")[1] for row in rows})
        for row in rows:
            assert row.offset is not None and row.frames is not None
            length = lengths.get(row.path.split("/")[1], 0)
            if length is None or row.offset + row.frames <= length:
                entries.append((split, row))
            else:
                why = f"it has {length} frames" if length else "it is not below the root"
                missing.append(Missing(split, f"{row.path} {row.offset} {row.frames}", why))
    if not entries:
        raise UserError(f"none of the {len(missing)} stretches is below {root}, such as {missing[0].name.split()[0]}")
    return gathered(entries, missing)


def babel_rows(sequences: Mapping[str, Any], labels: Labels, folder: str, origin: str = "BABEL") -> Iterator[Entry]:
    """Yield the list rows of a BABEL annotation table; a stretch with two mapped categories is a row for each."""
    known = labels_by_spelling(labels)
    for sid, sequence in sequences.items():
        try:
            path = f"{folder}/{int(sid):06d}"
            dense = (sequence.get("frame_ann") or {}).get("labels")
            stretches = dense or (sequence.get("seq_ann") or {}).get("labels") or []
            for stretch in stretches:
                start = int(FPS * stretch["start_t"]) if dense else 0
                end = int(FPS * (stretch["end_t"] if dense else sequence["dur"]))
                found = {known.get(spelled(category)) for category in stretch.get("act_cat") or ()} - {None}
                for label in sorted(label for label in found if label is not None):
                    if end - start >= SHORTEST:
                        yield Entry(path, label, start, end - start)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as problem:
            why = f"it has no {problem}" if isinstance(problem, KeyError) else problem
            raise UserError(f"{origin}: sequence {sid} is not in BABEL's form: {why}") from None


def _read(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UserError(f"{file} cannot be read: {reason(problem)}") from None
    except ValueError as problem:
        raise UserError(f"{file} is not JSON: {problem}") from None
    if not isinstance(read, dict):
        raise UserError(f"{file}: expected an object of sequences by number, as BABEL's train.json has it")
    return read


def _lengths(folder: Path, names: set[str]) -> dict[str, int | None]:
    """Return the frames of those sequences that are there; None for a video file, which is not opened."""
    there = videos_by_stem(folder)
    return {
        name: numbered_frames(folder / there[name])[1] if (folder / there[name]).is_dir() else None
        for name in track(sorted(names & there.keys()), f"sequences of {folder.name}", len(names & there.keys()), "seq")
    }
