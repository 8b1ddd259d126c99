"""What somebody types who wants predictions: files, folders, patterns, `-` for paths on stdin, a camera's number."""

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

from glad.data.movie import MOVIE_SUFFIXES, bare_path
from glad.data.named import videos_at
from glad.data.pack import is_pack
from glad.data.video import open_video
from glad.errors import UserError

PATTERN = frozenset("*?[")


def camera_in(words: Sequence[str]) -> int | None:
    """Return the number of the camera that `words` name; None where they name none.

    A camera goes on for ever, so it stands alone. A file that is called like a number is that file.
    """
    cameras = [word for word in words if word.isascii() and word.isdigit() and not Path(word).exists()]
    if cameras and len(words) > 1:
        raise UserError(f"{cameras[0]} is the number of a camera, and a camera is predicted alone; leave the rest out")
    return int(cameras[0]) if cameras else None


def videos_of(words: Sequence[str], lines: Iterable[str]) -> list[Path]:
    """Return the videos that `words` mean, in their order; a folder or a pack stands for all in it, sorted by path.

    A word with `*`, `?` or `[` which is no path is a pattern for paths, `**` for folders at any depth; files in the way
    that are no videos by their suffix are passed over, as in a folder. `-` is for paths in `lines`, one a line.

    Raises UserError where a word means no video. What is behind a pattern, a folder or a line is not looked at here.
    """
    found: list[Path] = []
    for word in words:
        if word == "-":
            paths = [line.rstrip("\n") for line in lines]
            found += [video for path in paths if path.strip() for video in videos_at(Path(path))]
        elif PATTERN & set(word) and not Path(word).exists():
            found += matching(word)
        else:
            named = videos_at(Path(word))
            if named == [Path(word)]:
                open_video(Path(word))
            found += named
    if not found:
        raise UserError(
            "there are no paths on stdin; one a line is expected, as from: ls clips/*.mp4 | glad predict RUN -"
        )
    return found


def matching(pattern: str) -> list[Path]:
    """Return the videos that a pattern means, sorted by path."""
    paths = [Path(path) for path in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - Path.glob takes no absolute ones
    videos = [path for path in paths if path.is_dir() or path.suffix.lower() in MOVIE_SUFFIXES or is_pack(path)]
    if not videos:
        raise UserError(f"{pattern} matches no video" + (f", only such as {paths[0]}" if paths else ""))
    return sorted({video for path in videos for video in videos_at(path)})  # a folder may match, and what is in it


def short_names(videos: Sequence[str]) -> dict[str, str]:
    """Return a name for the files about each video, by its path: as little of the path as tells all of them apart.

    That is the name without its suffix (`a` of `x/a.mp4`), or with it, or with folders before it, too: `x__a.mp4`.
    """
    paths = [Path(video) for video in dict.fromkeys(videos)]
    parts = [path.relative_to(path.anchor).parts for path in paths]
    ways = [[bare_path(path.name) for path in paths]]
    ways += [["__".join(each[-depth:]) for each in parts] for depth in range(1, max(map(len, parts)) + 1)]
    ways += [[f"{number}__{path.name}" for number, path in enumerate(paths)]]  # `a` and `/a`
    names = next(names for names in ways if len(set(names)) == len(paths))
    return {str(path): name for path, name in zip(paths, names, strict=True)}
