"""Makes frame folders of videos: the form in which training reads fastest, and that the released lists expect."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import simplejpeg

from glad.augment import with_short_side
from glad.data.frames import FrameLayout
from glad.data.listing import Listing
from glad.data.listtext import Row, check_paths, list_text
from glad.data.movie import MOVIE_SUFFIXES, bare_path
from glad.data.packets import frame_rate
from glad.data.work import (
    Facts,
    Job,
    Outcome,
    check_apart,
    check_folder,
    check_outside,
    outcome,
    write_quarantine,
)
from glad.errors import UserError
from glad.files import write_text

_TEMPLATE = re.compile(r"[^%/\\]*%(0\d)?d\.(jpg|jpeg)", re.IGNORECASE)


@dataclass(frozen=True)
class FrameFiles:
    """How frames are stored: JPEGs named by `template`, the first with number `first`.

    A frame whose shorter side is longer than `short_side` is shrunk to it, by averaging; smaller ones and, with 0,
    all frames stay as they are. The released lists were made from a short side that nobody states; 256 is what
    training resizes to (methods of the paper, 5.1). Kinetics is numbered from 0 there, BABEL from 1. `quality` is
    that of JPEG, 1..100; colour is stored at half the resolution (4:2:0), as in the videos themselves.
    """

    short_side: int = 256
    quality: int = 95
    template: str = "img_%05d.jpg"
    first: int = 0

    def __post_init__(self) -> None:
        if self.short_side < 0:
            raise UserError(f"a short side of {self.short_side} pixels; give a number of pixels, or 0 to leave it")
        if not 1 <= self.quality <= 100:
            raise UserError(f"a JPEG quality of {self.quality}; it is a number from 1 to 100")
        if self.first not in (0, 1):
            raise UserError(f"frames numbered from {self.first}; number them from 0 or from 1")
        if not _TEMPLATE.fullmatch(self.template) or self.template.startswith((".", "flow")):
            raise UserError(
                f"frames named {self.template!r}; a name holds its number as %d or, say, %05d at its end, and ends in "
                ".jpg: img_%05d.jpg"
            )

    def name(self, index: int) -> str:
        """Return the file name of frame `index`, counted from 0."""
        return FrameLayout(self.template, self.first).name(index)


@dataclass(frozen=True)
class Extracted:
    """What became of a listing.

    Attributes:
        outcome: of its videos, by the path of the frame folder.
        failed: every path without frames, or without the frames its row asks for, and why.
        rows: of the list that was written.
        list: the list, or None where no video has frames.
        classes: the file of class names, where labels stand for known names.
        frames: in all folders together.
        other_lengths: rows that say another number of frames than the video has.
    """

    outcome: Outcome
    failed: list[tuple[str, str]]
    rows: int
    list: Path | None
    classes: Path | None
    frames: int
    other_lengths: int


def extract_frames(listing: Listing, out: Path, files: FrameFiles, workers: int = 0) -> Extracted:
    """Write a frame folder below `out` for every video of `listing`, and a list of them, `out/frames.txt`.

    The folders mirror the videos: `jump/a.mp4` becomes `jump/a/`. All frames of a video are written, in the order
    they are shown, whatever the span that is listed. A listed video that is not there may be so without its suffix:
    `jump/a` then means `jump/a.mp4`, as in the released lists. What is kept and made again: `work.outcome`.

    The list has one row for each row of `listing`: `path frames label`, or `path offset frames label` if any has an
    offset, without label where there are none. Its classes, if known by name, stand in `out/classes.txt`.
    """
    jobs: dict[str, Job] = {}
    names: list[str] = []  # of each row, the frame folder
    found = _finder(listing.root)
    for index in range(len(listing)):
        listed = listing[index].path
        if listed not in jobs:
            origin = listing.where(index) if listing.line(index) else ""
            jobs[listed] = Job(bare_path(listed), listed, listing.root / found(listed), origin=origin)
        names.append(jobs[listed].result)
    check_paths(names)
    check_outside(out, listing.file)
    check_folder(out, ("frames.txt", "frames.csv", "classes.txt"))
    check_apart(jobs.values(), listing.file)
    done = outcome(
        list(jobs.values()), out, partial(_make, files), asdict(files), title="frames", workers=workers, whole=_whole
    )
    failed = [(job.listed, done.failed[job.result]) for job in jobs.values() if job.result in done.failed]
    rows, short, other_lengths = _rows(listing, names, done)
    write_quarantine(out, failed + short)
    classes = out / "classes.txt" if rows and listing.labelled and listing.classes else None
    file = None
    if rows:
        text, suffix = list_text(rows)
        file = out / f"frames{suffix}"
        write_text(file, text)
    if classes and listing.classes:
        write_text(classes, "".join(f"{label} {name}\n" for label, name in enumerate(listing.classes)))
    frames = sum(facts["frames"] for facts in done.facts.values())
    return Extracted(done, failed + short, len(rows), file, classes, frames, other_lengths)


def _rows(listing: Listing, names: list[str], done: Outcome) -> tuple[list[Row], list[tuple[str, str]], int]:
    """Return the rows of the list, the rows that ask for frames which are not there, and how many had other lengths."""
    records = [listing[index] for index in range(len(listing))]
    spans = any(record.offset for record in records)
    rows, short, other_lengths = [], [], 0
    for index, (record, name) in enumerate(zip(records, names, strict=True)):
        if name in done.failed:
            continue
        there = done.facts[name]["frames"]
        count = record.frames if spans and record.frames is not None else there - record.offset
        if record.offset + count > there or count < 1:
            asked = f"{record.frames} frames" if record.frames else "frames"
            why = f"{listing.where(index)}: asks for {asked} from offset {record.offset}, but the video has {there}"
            short.append((record.path, why))
            continue
        other_lengths += record.frames is not None and record.frames != count
        rows.append(Row(name, record.offset if spans else None, count, record.label))
    return rows, short, other_lengths


def _finder(root: Path) -> Callable[[str], str]:
    """Return a function from a listed path to that of the video below `root`, whose suffix the list may leave out."""

    @cache
    def movies(folder: Path) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ():
            if Path(name).suffix.lower() in MOVIE_SUFFIXES:
                found.setdefault(bare_path(name), []).append(name)
        return found

    def found(listed: str) -> str:
        path = root / listed
        if path.exists():
            return listed
        names = movies(path.parent).get(path.name, [])
        if len(names) > 1:
            raise UserError(
                f"{path} may be {' or '.join(names)}; give the list the suffix, or leave one of the files there"
            )
        return (Path(listed).parent / names[0]).as_posix() if names else listed

    return found


def _make(files: FrameFiles, job: Job, folder: Path) -> Facts:
    """Write all frames of one video into the new `folder`, one at a time."""
    video = job.video()
    folder.mkdir(parents=True)
    length = len(video)
    size: list[int] = []
    for index, frame in enumerate(video.stream(np.arange(length))):
        if 0 < files.short_side < min(frame.shape[:2]):
            frame = with_short_side(frame[None], files.short_side, "area")[0]
        if not size:
            size = [frame.shape[1], frame.shape[0]]
        coded = simplejpeg.encode_jpeg(np.ascontiguousarray(frame), quality=files.quality, colorsubsampling="420")
        (folder / files.name(index)).write_bytes(coded)
    rate = frame_rate(job.path) if job.path.is_file() else None
    return {"frames": length, "size": size, "fps": rate and round(rate, 4)}


def _whole(folder: Path, facts: Facts) -> bool:
    """Return whether the first and the last frame are there."""
    settings = facts["settings"]
    layout = FrameLayout(settings["template"], settings["first"])
    return all((folder / layout.name(index)).exists() for index in (0, facts["frames"] - 1))
