"""Finds the videos below a folder: video files, and folders of numbered images."""

import os
from pathlib import Path
from typing import NamedTuple

from glad.data.blame import reason
from glad.data.image import IMAGE_SUFFIXES
from glad.data.listfile import Fields
from glad.data.movie import MOVIE_SUFFIXES
from glad.errors import UserError


class PassedOver(NamedTuple):
    """What a scan of a folder passes over, by path; hidden files and folders are not counted.

    Attributes:
        files: neither videos nor frames of one, by their suffix; images beside video files among them.
        empty: folders below which there is no video; not those inside them.
        within: folders inside a folder of frames.
    """

    files: list[str]
    empty: list[str]
    within: list[str]

    def text(self) -> str:
        """Return how many there are, with an example of each kind; empty where there is nothing."""
        kinds = (("file", "of no video"), ("folder", "without a video"), ("folder", "inside a folder of frames"))
        told = [
            f"{len(paths)} {thing}{'s' * (len(paths) > 1)} {what} ({paths[0]})"
            for paths, (thing, what) in zip(self, kinds, strict=True)
            if paths
        ]
        return f"passed over: {', '.join(told)}" if told else ""


def video_rows(root: Path) -> list[Fields]:
    """Return a row for each video below `root`, at any depth, sorted by path; labels and lengths are None."""
    found = videos_in(root)
    if "" in found:
        raise UserError(f"{root} is itself a folder of frames; give the folder that holds it")
    if not found:
        raise UserError(f"{root} holds no videos, neither video files nor folders of images")
    return [(0, path, None, 0, None) for path in sorted(found)]


def videos_in(root: Path) -> list[str]:
    """Return the paths, relative to `root`, of the videos below it at any depth; only "" where it is itself one."""
    return _videos(root, "")


def class_folder_rows(root: Path, classes: tuple[str, ...] | None) -> tuple[list[Fields], tuple[str, ...]]:
    """Return a labelled row for each video below the class folders in `root`, and the classes.

    Classes are the sorted names of the folders unless given; a folder that is no given class is refused.
    """
    folders, files = _entries(root)
    loose = [name for name in files if Path(name).suffix.lower() in MOVIE_SUFFIXES]
    if loose:
        raise UserError(f"{root / loose[0]} lies in no class folder; a labelled folder holds one folder per class")
    if not folders:
        raise UserError(f"{root} holds no class folders")
    plain: dict[str, str] = {}
    for name in folders:
        key = name.casefold().replace(" ", "_").replace("-", "_")
        if other := plain.get(key):
            raise UserError(f"the class folders '{other}' and '{name}' of {root} are two spellings of one class")
        plain[key] = name
    if classes is None:
        classes = tuple(sorted(folders))
    rows: list[Fields] = []
    for name in sorted(folders):
        if name not in classes:
            raise UserError(f"{root / name} is the folder of no class; classes: {', '.join(classes)}")
        found = _videos(root / name, name)
        if name in found:
            raise UserError(f"{root / name} holds images, where a class folder with videos was expected")
        rows += [(0, path, None, 0, classes.index(name)) for path in sorted(found)]
    return rows, classes


def passed_over(root: Path) -> PassedOver:
    """Return what below `root` gives no video: it is scanned once more, so that training need not wait for it."""
    folders, files = _entries(root)
    passed = PassedOver([name for name in files if Path(name).suffix.lower() not in MOVIE_SUFFIXES], [], [])
    for name in folders:
        _videos(root / name, name, passed)
    return PassedOver(*map(sorted, passed))


def _videos(folder: Path, path: str, passed: PassedOver | None = None) -> list[str]:
    """Return the paths of the videos in `folder`, whose own path is `path`; alone itself if it holds images.

    Beside video files, images are no frames (posters, say). Hidden files are not looked at; what else is not goes to
    `passed`.
    """
    folders, files = _entries(folder)
    suffixes = {name: Path(name).suffix.lower() for name in files}
    movies = [_joined(path, name) for name in files if suffixes[name] in MOVIE_SUFFIXES]
    frames = not movies and any(suffix in IMAGE_SUFFIXES for suffix in suffixes.values())
    if passed is not None:
        used = IMAGE_SUFFIXES if frames else MOVIE_SUFFIXES
        passed.files.extend(_joined(path, name) for name in files if suffixes[name] not in used)
        passed.within.extend(_joined(path, name) for name in folders if frames)
    if frames:
        return [path]
    before = len(passed.empty) if passed is not None else 0
    found = movies + [found for name in folders for found in _videos(folder / name, _joined(path, name), passed)]
    if passed is not None and not found:
        passed.empty[before:] = [path]
    return found


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the folders and of the files in `folder`, without hidden ones."""
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as problem:
        raise UserError(f"{folder} cannot be listed: {reason(problem)}") from None
    return [e.name for e in entries if e.is_dir()], [e.name for e in entries if not e.is_dir()]


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
