"""What the rows of one list tell without looking at a single video: classes, lengths, repeats, contradictions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glad.check.findings import Finding, Findings, Place
from glad.check.reading import RELEASED, Rows
from glad.check.spans import clashes, first_equals, overlapping_pairs, overlaps

Mask = NDArray[np.bool_]
Marks = dict[str, Mask]  # by kind of finding, the rows (n,) it concerns

HELD = 100_000  # findings of a kind that are held one by one; more are only counted
UNKNOWN = 2**31  # stands for the length of a row that has none: to the end of any video


class ClassCount(NamedTuple):
    """One class of a list: its rows, and their median length (None where no length is known)."""

    label: int
    name: str | None
    rows: int
    median_frames: float | None


class Lengths(NamedTuple):
    """The lengths of the rows of a list, in frames; `known` is how many rows have one."""

    known: int
    min: int
    median: float
    mean: float
    max: int


class Overlaps(NamedTuple):
    """How many pairs of rows share frames of a video.

    `pairs` have different labels; `one_frame` of them share a single frame (say, one begins where the other ends), and
    `identical` are exactly the same frames. `same_label` have the same label.
    """

    pairs: int
    one_frame: int
    identical: int
    same_label: int


def length_summary(rows: Rows) -> Lengths | None:
    """Return the lengths of the rows; None where no length is known."""
    known = rows.frames[rows.frames >= 0]
    if not len(known):
        return None
    return Lengths(len(known), int(known.min()), float(np.median(known)), float(known.mean()), int(known.max()))


def class_table(rows: Rows) -> list[ClassCount]:
    """Return the classes from 0 up, those without rows too; empty for a list without labels."""
    if not rows.labelled:
        return []
    last = len(rows.classes) if rows.classes else min(int(rows.label.max(initial=-1)) + 1, 10_000)
    table = []
    for label in range(last):
        frames = rows.frames[rows.label == label]
        known = frames[frames >= 0]
        name = rows.classes[label] if rows.classes else None
        table.append(ClassCount(label, name, len(frames), float(np.median(known)) if len(known) else None))
    return table


def row_findings(rows: Rows) -> tuple[Findings, Marks]:
    """Return what is wrong with single rows: unusable ones, labels outside the classes, classes without rows."""
    found = [
        Finding("row", text.removeprefix(f"{rows.file} "), Place(rows.number, None, line or None))
        for line, text in rows.faults
    ]
    if rows.file.name in RELEASED.values() and rows.md5 and rows.released != rows.file.name:
        text = f"{rows.file.name} is not the released list of that name"
        found.append(Finding("changed", text, Place(rows.number)))
    outside = np.zeros(len(rows), bool)
    if rows.labelled and rows.classes:
        outside = rows.label >= len(rows.classes)
        found += [
            Finding("label", f"{rows.where(row)}: label {rows.label[row]} is outside {_range(rows)}", at(rows, row))
            for row in np.flatnonzero(outside)[:HELD].tolist()
        ]
    for count in class_table(rows):
        if not count.rows:
            name = f"class {count.label}" + (f" ({count.name})" if count.name else "")
            found.append(Finding("class", f"{name} has no video", Place(rows.number)))
    more = max(int(outside.sum()) - HELD, 0)
    return Findings(tuple(found), (("label", more),) if more else ()), {"label": outside}


def _range(rows: Rows) -> str:
    assert rows.classes
    return f"0..{len(rows.classes) - 1}, the {len(rows.classes)} classes"


def repeat_findings(rows: Rows) -> tuple[Findings, Marks]:
    """Return the rows that say again what an earlier row says: the same frames of the same video, and the same label.

    The mark is on the later ones.
    """
    first = first_equals(rows.video, rows.offset, rows.frames, rows.label)
    again = first != np.arange(len(rows))
    found = [
        Finding(
            "duplicate",
            f"{rows.where(row)} repeats {rows.where(int(first[row]))}: {path(rows, row)}, {rows.span(row)}",
            at(rows, row),
            at(rows, int(first[row])),
        )
        for row in np.flatnonzero(again)[:HELD].tolist()
    ]
    more = max(int(again.sum()) - HELD, 0)
    return Findings(tuple(found), (("duplicate", more),) if more else ()), {"duplicate": again}


def overlap_findings(rows: Rows, apart: Mask, least: int = 1) -> tuple[Findings, Marks, Overlaps]:
    """Return the pairs of rows that share `least` frames of a video or more.

    Rows in `apart`, those that repeat others or are wrong anyway, are left out. Under different labels a pair is a
    problem: at least one label does not fit the shared frames. Both rows are marked.
    """
    assert least >= 1, least
    length = np.where(rows.frames >= 0, rows.frames, UNKNOWN)
    left = np.flatnonzero(~apart & (length >= least))
    video, start, label = rows.video[left], rows.offset[left], rows.label[left]
    stop = start + length[left] - (least - 1)  # spans cut by that much touch where the whole ones share `least` frames
    clash = clashes(video, start, stop, label)
    pairs = int(clash.sum()) // 2
    more_than_one = length[left] > 1
    cut = [column[more_than_one] for column in (video, start, stop - (least == 1), label)]
    one_frame = pairs - int(clashes(cut[0], cut[1], cut[2], cut[3]).sum()) // 2
    same = int(overlaps(video, start, stop).sum()) // 2 - pairs
    marked = np.zeros(len(rows), bool)
    marked[left[clash > 0]] = True
    found: list[Finding] = []
    for kind, among in (("overlap", clash > 0), ("same_label", np.ones(len(left), bool))):
        some = np.flatnonzero(among)
        a, b = overlapping_pairs(video[some], start[some], stop[some], HELD)
        a, b = some[a], some[b]
        wanted = (label[a] != label[b]) == (kind == "overlap")
        shown = list(zip(left[a[wanted]].tolist(), left[b[wanted]].tolist(), strict=True))[:HELD]
        found += [Finding(kind, _shared(rows, i, j, kind), at(rows, i), at(rows, j)) for i, j in shown]
    held = Findings(tuple(found)).counts()
    left_out = {"overlap": pairs - held.get("overlap", 0), "same_label": same - held.get("same_label", 0)}
    more = tuple((kind, count) for kind, count in left_out.items() if count)
    sizes = np.bincount(first_equals(video, start, stop))
    identical = int((sizes * (sizes - 1) // 2).sum())
    return Findings(tuple(found), more), {"overlap": marked}, Overlaps(pairs, one_frame, identical, same)


def _shared(rows: Rows, i: int, j: int, kind: str) -> str:
    """Return one sentence on two rows that share frames."""
    spans = (rows.span(i), rows.span(j))
    where = f"{rows.where(i)} and {rows.where(j)}, {path(rows, i)}: "
    if kind != "overlap":
        return f"{where}{spans[0]} and {spans[1].removeprefix('frames ')}"
    if spans[0] == spans[1]:
        return f"{where}{spans[0]} are both {rows.class_name(i)} and {rows.class_name(j)}"
    return f"{where}{spans[0]} are {rows.class_name(i)}, {spans[1].removeprefix('frames ')} {rows.class_name(j)}"


def short_findings(rows: Rows, span: int) -> Findings:
    """Return the rows of fewer than `span` frames, the frames that a dense clip covers."""
    short = np.flatnonzero((rows.frames >= 0) & (rows.frames < span))
    found = [
        Finding("short", f"{rows.where(row)}: {path(rows, row)} has {rows.frames[row]} frames", at(rows, row))
        for row in short[:HELD].tolist()
    ]
    more = max(len(short) - HELD, 0)
    return Findings(tuple(found), (("short", more),) if more else ())


def at(rows: Rows, row: int) -> Place:
    """Return the place of a row."""
    return Place(rows.number, int(row), int(rows.line[row]) or None)


def path(rows: Rows, row: int) -> str:
    """Return the path of a row's video."""
    return rows.videos[rows.video[row]]
