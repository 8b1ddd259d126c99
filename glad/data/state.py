"""By what a video is told from another one that takes its place on disk."""

from pathlib import Path

from glad.data.frames import FrameLayout
from glad.data.pack import packed_state


def video_state(
    path: Path, offset: int = 0, length: int | None = None, layout: FrameLayout | None = None
) -> list[list[int]] | None:
    """Return sizes in bytes and times of change in ns, by which another video is told.

    Of a frame folder whose span is listed these are its own time and those of the first and last frame: a frame
    rewritten in place between them is not noticed, but thousands of folders are looked through in seconds.
    Of a video in a pack they are its bytes and their checksum, without a time.
    None where the video is missing, or one of these files.
    """
    try:
        if not path.is_dir():
            return packed_state(path) or [_state(path)]
        changed = path.stat().st_mtime_ns
        if layout and length:
            ends = (layout.name(index) for index in (offset, offset + length - 1))
            return [[0, changed], *(_state(path / name) for name in ends)]
        files = [_state(file) for file in path.iterdir()]
        return [[sum(size for size, _ in files), max([changed, *(time for _, time in files)])]]
    except OSError:
        return None


def _state(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]
