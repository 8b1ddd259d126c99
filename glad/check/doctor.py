"""Checks lists of videos together: their rows, the files behind them, what they share, what clips make of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np

from glad.check.between import recordings, shared_findings
from glad.check.clips import ViewCounts, clip_span, view_counts
from glad.check.files import Decode, Seen, Span, Task, looked_at, usual_layout
from glad.check.findings import Finding, Findings, Place
from glad.check.folder import folder_findings
from glad.check.reading import Rows, read_rows
from glad.check.rows import (
    ClassCount,
    Lengths,
    Marks,
    Overlaps,
    at,
    class_table,
    length_summary,
    overlap_findings,
    path,
    repeat_findings,
    row_findings,
    short_findings,
)
from glad.data.frames import FrameLayout
from glad.data.pack import open_pack
from glad.errors import UserError
from glad.progress import progress
from glad.sampling import Sampler

Use = Literal["train", "held_out", "any"]  # what a list is for; a training list and a held-out one must share nothing


@dataclass(frozen=True)
class Asked:
    """A list to check.

    Attributes:
        list: a text list, a CSV or a folder.
        root: the folder its videos lie in; None: that of the list, where it is only looked whether they are there.
        labelled: whether its rows hold labels; None: as its form says.
        classes: the class names, where they are known.
        role: what it is in a recipe (`source`, `target`, …).
        use: what it is for.
        training, evaluation: the samplers that take clips of it; None where there are none.
    """

    list: Path
    root: Path | None = None
    labelled: bool | None = None
    classes: tuple[str, ...] | None = None
    role: str = ""
    use: Use = "any"
    training: Sampler | None = None
    evaluation: Sampler | None = None


@dataclass(frozen=True)
class ListReport:
    """What is known of one list after a check.

    Attributes:
        rows: its rows; the lengths that only the files know are filled in.
        asked: what was asked.
        unseen: why the files were not looked at; None when they were.
        layout: how most of its frame folders are named and numbered.
        marks: by kind of finding, the rows it concerns.
        recordings: recordings its videos were cut from, as far as names tell.
        span: frames of a clip; a shorter video counts as short.
        views: for `training` and `evaluation`, what each view does.
    """

    rows: Rows
    asked: Asked
    unseen: str | None
    layout: FrameLayout | None
    marks: Marks
    classes: list[ClassCount]
    lengths: Lengths | None
    overlaps: Overlaps
    recordings: int
    span: int | None
    views: dict[str, dict[str, ViewCounts]]


@dataclass(frozen=True)
class Report:
    """The result of a check.

    Attributes:
        lists: those that could be read.
        findings: everything found.
        shared: two lists (their numbers) and how many videos, recordings and mere names they share.
        decode: which frames were decoded.
        recipe: whose samplers say what views do; empty for none.
        extra: what a recipe needs besides videos: which it is, and how much of it is there.
        others: lists that were only compared with.
    """

    lists: tuple[ListReport, ...]
    findings: Findings
    shared: tuple[tuple[int, int, dict[str, int]], ...] = ()
    decode: Decode = "none"
    recipe: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    others: tuple[ListReport, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether there is no problem."""
        return not self.findings.total("problem")


def lists_report(
    asked: Sequence[Asked],
    against: Sequence[Asked] = (),
    files: bool = True,
    decode: Decode = "sample",
    workers: int = 0,
    recipe: str = "",
    overlap: int = 1,
) -> Report:
    """Return what was found in the lists `asked`, and what any two of them, or one and one of `against`, share.

    The lists of `against` are only read. With `files=False` no video is looked for. Rows
    of different labels contradict each other from `overlap` shared frames on.
    """
    found = Findings(())
    lists: list[ListReport] = []
    for number, one in enumerate(asked):
        report, more = check_list(one, number, files, decode, workers, overlap)
        lists.append(report)
        found += more
    others: list[ListReport] = []
    for number, one in enumerate(against, start=len(lists)):
        report, _ = check_list(one, number, False, "none", 1)
        others.append(replace(report, unseen=reason_unseen(report.rows, one.root) if files else report.unseen))
    everything = [*lists, *others]
    pairs = [*pairs_apart(lists), *((i, j) for i in range(len(lists)) for j in range(len(lists), len(everything)))]
    more, shared = compared(everything, pairs)
    return Report(tuple(lists), found + more, tuple(shared), decode if files else "none", recipe, others=tuple(others))


def check_list(
    asked: Asked, number: int, files: bool = True, decode: Decode = "sample", workers: int = 0, overlap: int = 1
) -> tuple[ListReport, Findings]:
    """Return what one list is like, and what was found. Raises `UserError` where nothing in it can be read."""
    rows = read_rows(asked.list, number, asked.classes, asked.root, asked.labelled)
    found, marks = row_findings(rows)
    if rows.file.is_dir():
        found += folder_findings(rows)
    unseen, layout = "not asked for", None
    if files:
        unseen = reason_unseen(rows, asked.root)
        if unseen and asked.root is not None:
            found += Findings((Finding("root", unseen, Place(number)),))
    if unseen is None:
        rows, layout, more, file_marks = file_findings(rows, decode, workers)
        found += more
        marks |= file_marks
    repeats, repeat_marks = repeat_findings(rows)
    marks |= repeat_marks
    # A row that is wrong anyway says nothing against another one.
    shared, overlap_marks, overlaps = overlap_findings(rows, np.any(list(marks.values()), axis=0), overlap)
    found += repeats + shared
    marks |= overlap_marks
    samplers = {"training": asked.training, "evaluation": asked.evaluation}
    span = max((clip_span(sampler) for sampler in samplers.values() if sampler), default=None)
    if span is not None:
        found += short_findings(rows, span)
    views = {
        name: view_counts(sampler, rows.frames, name == "training") for name, sampler in samplers.items() if sampler
    }
    report = ListReport(
        rows,
        asked,
        unseen,
        layout,
        marks,
        class_table(rows),
        length_summary(rows),
        overlaps,
        recordings(rows),
        span,
        views,
    )
    return report, found


def compared(
    lists: Sequence[ListReport], pairs: Iterable[tuple[int, int]]
) -> tuple[Findings, list[tuple[int, int, dict[str, int]]]]:
    """Return what the lists of each pair (places in `lists`) share; the rows of its first list get the marks."""
    found, shared = Findings(()), []
    for i, j in pairs:
        a, b = lists[i], lists[j]
        unsaid = any(one.unseen and one.asked.root is None for one in (a, b))  # then the root is a mere guess
        one_root = unsaid or a.rows.listing.root.resolve() == b.rows.listing.root.resolve()
        more, marks, counts = shared_findings(a.rows, b.rows, one_root)
        found += more
        for kind, mask in marks.items():
            a.marks[kind] = a.marks[kind] | mask if kind in a.marks else mask
        shared.append((a.rows.number, b.rows.number, counts))
    return found, shared


def pairs_apart(lists: Sequence[ListReport]) -> list[tuple[int, int]]:
    """Return which lists must share nothing: a training list and a held-out one, and any two without a use."""
    return [
        (i, j) if lists[i].asked.use != "held_out" else (j, i)
        for i, j in combinations(range(len(lists)), 2)
        if {lists[i].asked.use, lists[j].asked.use} in ({"any"}, {"train", "held_out"})
    ]


def reason_unseen(rows: Rows, root: Path | None) -> str | None:
    """Return why the files of a list cannot be looked at; None when they can.

    A root that was named must exist, and be whole where it is a pack. Where none was, it is the folder of the list, and
    then some of the folders or files that its paths begin with must be there.
    """
    if root is not None:
        return _pack_fault(root) if root.is_file() else None if root.is_dir() else f"there is no folder {root}"
    base = rows.listing.root
    tops = dict.fromkeys(path.split("/", 1)[0] for path in rows.videos)
    if any((base / top).exists() for top in tops):
        return None
    return f"none of the videos is below {base or Path()}, the list's own folder; --root says where they are"


def _pack_fault(root: Path) -> str | None:
    """Return what is wrong with a pack as such."""
    try:
        open_pack(root).check_index()
    except UserError as problem:
        return str(problem)


def file_findings(rows: Rows, decode: Decode, workers: int) -> tuple[Rows, FrameLayout | None, Findings, Marks]:
    """Return the rows with lengths filled in, the usual layout of folders, what is wrong with files, the marks."""
    root = rows.listing.root
    paths = [root / name for name in rows.videos]
    layout = usual_layout([place for place in paths if place.is_dir()])
    order = np.argsort(rows.video, kind="stable")
    bounds = np.searchsorted(rows.video[order], np.arange(len(paths) + 1))
    frames = [None if count < 0 else count for count in rows.frames.tolist()]
    offsets = rows.offset.tolist()
    tasks = [
        Task(
            place,
            tuple(Span(row, offsets[row], frames[row]) for row in order[bounds[k] : bounds[k + 1]].tolist()),
            layout,
            decode,
        )
        for k, place in enumerate(paths)
    ]
    seen: list[Seen] = [Seen()] * len(tasks)
    with progress(rows.file.name, len(tasks), "videos") as bar:
        bad = 0
        for number, what in looked_at(tasks, workers):
            seen[number] = what
            bad += bool(what.faults)
            bar.advance(note=f"{bad} with faults" if bad else "")
    found: list[Finding] = []
    marks: Marks = {}
    filled = rows.frames.copy()
    spans = bool(rows.offset.any())
    for task, what in zip(tasks, seen, strict=True):
        for fault in what.faults:
            concerned = [span.row for span in task.spans] if fault.row is None else [fault.row]
            marks.setdefault(fault.kind, np.zeros(len(rows), bool))[concerned] = True
            found.append(Finding(fault.kind, f"{rows.where(concerned[0])}: {fault.text}", at(rows, concerned[0])))
        if what.frames is None:
            continue
        for span in task.spans:
            if span.frames is None and what.frames > span.offset:
                filled[span.row] = what.frames - span.offset
        [first, *others] = task.spans
        if not spans and not others and first.frames is not None and what.frames > first.frames:
            text = f"{path(rows, first.row)} has {what.frames} frames, the list says {first.frames}"
            found.append(Finding("longer", f"{rows.where(first.row)}: {text}", at(rows, first.row)))
    return replace(rows, frames=filled), layout, Findings(tuple(found)), marks
