"""What one video on disk is like: whether the frames that rows of a list ask for are there and can be decoded."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glad.data.frames import FrameLayout, frame_layout, frame_names
from glad.data.image import read_image
from glad.data.movie import MovieFile, frame_count
from glad.data.pack import PackedVideo, open_pack, packed_video
from glad.data.pool import Died, results
from glad.errors import UserError

Decode = Literal["sample", "ends", "all", "none"]  # first, middle, last; first, last; every frame; no frame

_LAYOUTS = 15  # folders from which it is told how the frames of all are named and numbered


class Span(NamedTuple):
    """The frames that a row asks for: `frames` from `offset` on, or all (None)."""

    row: int
    offset: int
    frames: int | None


class Fault(NamedTuple):
    """What is wrong with a row, or (None) with all rows of the video; `kind` as in `glad.check.findings`."""

    kind: str
    row: int | None
    text: str


@dataclass(frozen=True)
class Task:
    """A video to look at: where it is, what rows ask of it, and how its frames should be named if it is a folder."""

    path: Path
    spans: tuple[Span, ...]
    layout: FrameLayout | None
    decode: Decode


@dataclass(frozen=True)
class Seen:
    """What was seen of a video: how many frames it has (None: not known), and what is wrong."""

    frames: int | None = None
    faults: tuple[Fault, ...] = ()


def usual_layout(folders: Sequence[Path]) -> FrameLayout | None:
    """Return how the frames of most of a few of `folders` are named and numbered; None where none says."""
    found: list[FrameLayout] = []
    for place in np.unique(np.linspace(0, len(folders) - 1, _LAYOUTS).astype(int)) if folders else ():
        with contextlib.suppress(UserError):
            found.append(frame_layout(folders[place]))
    return Counter(found).most_common(1)[0][0] if found else None


def looked_at(tasks: Sequence[Task], workers: int) -> Iterator[tuple[int, Seen]]:
    """Yield the number of each task and what was seen, as it is done; a video that kills its process is named."""
    numbered = list(enumerate(tasks))
    for (number, task), seen in results(_look, numbered, workers):
        yield number, crashed(task) if isinstance(seen, Died) else seen


def _look(numbered: tuple[int, Task]) -> Seen:
    return look(numbered[1])


def look(task: Task) -> Seen:
    """Return what the video of `task` is like; faults of the video are in it, never raised."""
    if task.path.is_dir():
        return _folder(task)
    try:
        if packed := packed_video(task.path):
            return _packed(task, packed)
    except UserError as problem:
        return Seen(None, (Fault("missing", None, str(problem)),))
    if not task.path.exists():
        return Seen(None, (Fault("missing", None, f"there is no video at {task.path}"),))
    try:
        count = frame_count(task.path)
    except UserError as problem:
        return Seen(None, (Fault("decode", None, str(problem)),))
    faults = []
    for span in task.spans:
        if fault := _too_long(task.path, span, count):
            faults.append(fault)
            continue
        video = MovieFile(task.path, span.offset, _length(span, count))
        try:
            for _ in video.stream(chosen(task.decode, len(video))) if task.decode != "none" else ():
                pass
        except UserError as problem:
            kind = "size" if "changes its size" in str(problem) else "decode"
            faults.append(Fault(kind, span.row, str(problem)))
    return Seen(count, tuple(faults))


def chosen(decode: Decode, frames: int) -> np.ndarray:
    """Return which of `frames` frames are decoded, ascending and distinct."""
    places = {"sample": [0, frames // 2, frames - 1], "ends": [0, frames - 1], "all": range(frames), "none": []}
    return np.unique(np.array(places[decode], np.int64))


def _length(span: Span, count: int) -> int:
    return count - span.offset if span.frames is None else span.frames


def _too_long(path: Path, span: Span, count: int) -> Fault | None:
    """Return the fault of a row that asks for frames beyond the `count` that a video has."""
    if _length(span, count) >= 1 and span.offset + _length(span, count) <= count:
        return None
    asked = f"frame {span.offset}" if span.frames is None else f"frames {span.offset}..{span.offset + span.frames - 1}"
    return Fault("length", span.row, f"{asked} asked for, but {path} has {count} frames")


def _folder(task: Task) -> Seen:
    """Return what a folder of frames is like."""
    try:
        own, numbers, names = frame_names(task.path)
    except UserError as problem:
        return Seen(None, (Fault("frames", None, str(problem)),))
    faults: list[Fault] = []
    layout = task.layout or own
    if own != layout:
        faults.append(
            Fault("numbering", None, f"the frames of {task.path} are {own}, those of most others are {layout}")
        )
        layout = own
    held = len(numbers)
    end = numbers[-1] - layout.first + 1  # frames there would be without gaps
    needed: dict[int, list[int]] = {}  # frame: the rows whose sample it is in
    for span in task.spans:
        if fault := _too_long(task.path, span, end):
            faults.append(fault)
            continue
        frames = _length(span, end)
        missing = [i for i in range(span.offset, span.offset + frames) if layout.name(i) not in names]
        if missing:
            text = f"{len(missing)} of {frames} frames are missing in {task.path}, {layout.name(missing[0])} first"
            faults.append(Fault("frames", span.row, text))
        for frame in (span.offset + chosen(task.decode, frames)).tolist():
            if layout.name(frame) in names:
                needed.setdefault(frame, []).append(span.row)
    return Seen(held, (*faults, *_decoded(task.path, layout, needed, lambda name: read_image(task.path / name))))


def _packed(task: Task, video: PackedVideo) -> Seen:
    """Return what a video in a pack is like; where any frame is decoded, all its bytes are held against their sum."""
    pack, held = open_pack(video.file), len(video)
    faults: list[Fault] = []
    needed: dict[int, list[int]] = {}
    for span in task.spans:
        if fault := _too_long(task.path, span, held):
            faults.append(fault)
            continue
        for frame in (span.offset + chosen(task.decode, _length(span, held))).tolist():
            needed.setdefault(frame, []).append(span.row)
    try:
        if task.decode != "none":
            pack.check_video(video.name)
    except UserError as problem:
        return Seen(held, (*faults, Fault("decode", None, str(problem))))
    frames = {pack.layout.name(frame): frame for frame in needed}

    def read(name: str) -> NDArray[np.uint8]:
        return next(video.stream(np.array([frames[name]])))

    return Seen(held, (*faults, *_decoded(task.path, pack.layout, needed, read)))


def _decoded(
    path: Path, layout: FrameLayout, needed: dict[int, list[int]], read: Callable[[str], NDArray[np.uint8]]
) -> Iterable[Fault]:
    """Yield the rows with frames that cannot be decoded, and those with frames of several sizes, once each."""
    shapes: dict[int, tuple[str, tuple[int, ...]]] = {}
    bad: set[int] = set()
    for frame in sorted(needed):
        name = layout.name(frame)
        try:
            shape = read(name).shape
        except UserError as problem:
            yield from (Fault("decode", row, str(problem)) for row in needed[frame] if row not in bad)
            bad.update(needed[frame])
            continue
        for row in needed[frame]:
            first, other = shapes.setdefault(row, (name, shape))
            if other != shape and row not in bad:
                bad.add(row)
                sizes = f"{first} is {other[1]}x{other[0]}, {name} is {shape[1]}x{shape[0]}"
                yield Fault("size", row, f"the frames of {path} differ in size: {sizes}")


def crashed(task: Task) -> Seen:
    """Return what is said of a video that ended the process which looked at it."""
    text = f"looking at {task.path} ends the program, so damaged is it"
    return Seen(None, (Fault("decode", None, text),))
