"""What two lists share that must share nothing: videos, and recordings from which videos were cut."""

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from glad.check.findings import Finding, Findings
from glad.check.reading import Rows
from glad.check.rows import HELD, Marks, at

# How data sets write into a name from which recording a video is.
_RECORDINGS = (
    re.compile(r"(?:.*/)?(.+)_\d{6}_\d{6}"),  # Kinetics: YOUTUBE_start_end
    re.compile(r"(?:.*/)?(v_.+_g\d+)_c\d+"),  # UCF-101: v_Class_gGroup_cClip
    re.compile(r"(?:.*/)?(?:train|val|test)/(\d{6})"),  # BABEL: split/sequence
)


def recording(path: str) -> str | None:
    """Return which recording a video is from, as the name of its data set says; None where it says nothing."""
    stem = _stem(path)
    for form in _RECORDINGS:
        if match := form.fullmatch(stem):
            return match[1]
    return None


def recordings(rows: Rows) -> int:
    """Return how many recordings the videos of a list are from; a video whose name says nothing is one of its own."""
    return len({recording(path) or path for path in rows.videos})


def shared_findings(a: Rows, b: Rows, one_root: bool) -> tuple[Findings, Marks, dict[str, int]]:
    """Return what `b` has of `a`'s videos and recordings, the marks for the rows of `a`, and how many are shared.

    A path means the same video in both lists if they have `one_root`. So do two paths, below whatever roots, that lead
    to one place, links followed: data sets are often divided by links. Videos that are only called alike are worth a
    look, no more, and only below one root and where the name is unique.
    """
    same = _places(a, b, one_root)
    found = _told(
        a, b, "shared_video", {path: same[path] for path in a.videos if path in same}, "the video {} is in both"
    )
    known = {path: name for path in b.videos if (name := recording(path)) is not None}
    by_name: dict[str, str] = {}
    for path, name in known.items():
        by_name.setdefault(name, path)
    cut = {
        path: by_name[name]
        for path in a.videos
        if path not in same and (name := recording(path)) is not None and name in by_name
    }
    found += _told(a, b, "shared_recording", cut, "{} is of the same recording as {}")
    alike: dict[str, str] = {}
    if one_root:
        names = _unique_names(b)
        alike = {
            path: names[name]
            for name, path in _unique_names(a).items()
            if name in names and path not in same and recording(path) is None
        }
        found += _told(a, b, "same_name", alike, "{} and {} have one name")
    marks = {"shared_video": _rows_of(a, set(same)), "shared_recording": _rows_of(a, set(cut))}
    return found, marks, {"videos": len(same), "recordings": len(cut), "names": len(alike)}


def _places(a: Rows, b: Rows, one_root: bool) -> dict[str, str]:
    """Return the videos of `a` that are in `b`, each with its path there."""
    named = {path: path for path in b.videos} if one_root else {}
    real: dict[str, str] = {}
    for place, path in zip(_real_places(b), b.videos, strict=True):
        real.setdefault(place, path)
    found = {path: named.get(path) or real.get(place) for place, path in zip(_real_places(a), a.videos, strict=True)}
    return {path: other for path, other in found.items() if other is not None}


def _real_places(rows: Rows) -> Iterator[str]:
    """Yield where each video of a list is, links followed."""
    root, folders = rows.listing.root, {}
    for path in rows.videos:
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            folders[folder] = os.path.realpath(root / folder)
        place = f"{folders[folder]}/{name}"
        yield os.path.realpath(place) if Path(place).is_symlink() else place


def _told(a: Rows, b: Rows, kind: str, shared: dict[str, str], sentence: str) -> Findings:
    """Return a finding for each shared video, at the first rows that name it."""
    if not shared:
        return Findings(())
    first_a, first_b = _first_rows(a), _first_rows(b)
    place_a = dict(zip(a.videos, first_a, strict=True))
    place_b = dict(zip(b.videos, first_b, strict=True))
    found = [
        Finding(
            kind,
            f"{sentence.format(mine, theirs)}: {a.where(place_a[mine])} of {a.file.name}, "
            f"{b.where(place_b[theirs])} of {b.file.name}",
            at(a, place_a[mine]),
            at(b, place_b[theirs]),
        )
        for mine, theirs in list(shared.items())[:HELD]
    ]
    more = max(len(shared) - HELD, 0)
    return Findings(tuple(found), ((kind, more),) if more else ())


def _first_rows(rows: Rows) -> list[int]:
    return np.unique(rows.video, return_index=True)[1].tolist()


def _rows_of(rows: Rows, paths: set[str]) -> np.ndarray:
    """Return which rows (n,) are of one of `paths`."""
    return np.fromiter((path in paths for path in rows.videos), bool, len(rows.videos))[rows.video]


def _unique_names(rows: Rows) -> dict[str, str]:
    """Return the videos by their names without folder and suffix; a bare number or the name of several is none."""
    found: dict[str, str | None] = {}
    for path in rows.videos:
        name = _stem(path.rsplit("/", 1)[-1])
        found[name] = None if name in found else path
    return {name: path for name, path in found.items() if path is not None and not name.isdigit()}


def _stem(path: str) -> str:
    """Return a path without the suffix of a video file."""
    stem, suffix = posixpath.splitext(path)
    return stem if re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{1,4}", suffix) else path
