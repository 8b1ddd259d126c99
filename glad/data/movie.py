"""A video stored as one file (mp4, avi, mkv, webm, gif, …): decodes only what leads to the frames asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from av.error import FFmpegError
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from glad.data.blame import blamed, reason
from glad.data.gather import Indices, gathered
from glad.data.packets import indexed, opened, packet_index
from glad.errors import UserError

MOVIE_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".gif", ".mpg", ".mpeg", ".ts", ".m2ts"}
    | {".wmv", ".flv", ".3gp", ".ogv", ".vob"}
)


def bare_path(path: str) -> str:
    """Return the path of a video without the suffix that makes it a video file: `jump/a.mp4` gives `jump/a`."""
    return path[: path.rindex(".")] if "." in path and Path(path).suffix.lower() in MOVIE_SUFFIXES else path


@dataclass(frozen=True)
class MovieFile:
    """A video file, or the `length` frames of it that start at `offset` (all the rest when None).

    Frame i is the i-th one shown, whatever the frame rate does; a rotation stored with the video is applied. No
    handle stays open, so it may travel to loader workers. `origin` (say, `train.txt line 3`) opens every error.
    """

    path: Path
    offset: int = 0
    length: int | None = None
    origin: str = ""

    def __len__(self) -> int:
        """Return the number of frames; asks the file when it was not given."""
        if self.length is not None:
            return self.length
        with blamed(self.origin):
            count = frame_count(self.path)
            if count <= self.offset:
                raise UserError(f"{self.path} has {count} frames, none from offset {self.offset} on")
        return count - self.offset

    def frames(self, indices: Indices) -> NDArray[np.uint8]:
        """Return the frames `indices` (0 .. len - 1) as RGB uint8 `(t, h, w, 3)`, each decoded once."""
        return gathered(indices, self.stream)

    def stream(self, indices: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """Yield `(h, w, 3)` for each of the ascending, distinct `indices`, in one pass over the file."""
        assert self.length is None or indices[-1] < self.length, f"frame {indices[-1]} of a video of {self.length}"
        size: tuple[int, ...] | None = None
        with blamed(self.origin):
            for frame in _decoded(self.path, indices + self.offset):
                size = size or frame.shape
                if frame.shape != size:
                    raise UserError(
                        f"{self.path} changes its size within the video, from {size[1]}x{size[0]} to "
                        f"{frame.shape[1]}x{frame.shape[0]}"
                    )
                yield frame


def frame_count(path: Path) -> int:
    """Return how many frames the file shows; it is decoded for that only if it does not say."""
    index = packet_index(path)
    return len(index.times) or _counted(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _counted(path: Path, _mtime: int) -> int:
    count = 0
    with opened(path) as (container, stream):
        try:
            for _ in container.decode(stream):
                count += 1
        except FFmpegError as problem:
            raise UserError(f"{path} cannot be decoded beyond frame {count}: {reason(problem)}") from None
    if not count:
        raise UserError(f"{path} holds no frames")
    return count


def _decoded(path: Path, wanted: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames `wanted` (ascending, distinct) of the whole file."""
    reformatter = VideoReformatter()
    done = 0
    problem: Exception | None = None
    seen = -1
    # A file may be marked so that a key frame is none (intra refresh, wrong marks): what is missing after a jump is
    # looked for once more from the start of the file.
    for jump in (True, False):
        problem = None
        try:
            for seen, frame in _passed(path, wanted[done:], jump):
                if seen == wanted[done]:
                    yield _pixels(path, frame, reformatter)
                    done += 1
            if done == len(wanted):
                return
        except (FFmpegError, _Undecodable) as raised:
            problem = raised
    count = f" of {len(packet_index(path).times)}" if len(packet_index(path).times) else ""
    if problem is None:
        raise UserError(f"{path} stops after {seen + 1}{count} frames, but frame {wanted[done]} (from 0) is asked for")
    raise UserError(f"frame {wanted[done]} (from 0){count} of {path} cannot be decoded: {reason(problem)}")


def _passed(path: Path, wanted: NDArray[np.int64], jump: bool) -> Iterator[tuple[int, VideoFrame]]:
    """Yield decoded frames with their numbers, in the order shown, until the last of `wanted` or the file's end.

    With `jump`, everything up to the key frame before the next wanted frame is left out, unless decoding is already
    beyond that key frame, and so are unwanted frames on which no other depends. Where the file does not say when its
    frames are shown, nothing can be jumped to, and nothing is yielded.
    """
    places = set(wanted.tolist())
    goal = 0
    number = -1
    with indexed(path, at_start=not jump) as (container, stream, index):
        timed = len(index.times) > 0
        if timed and wanted[-1] >= len(index.times):
            raise UserError(f"{path} has {len(index.times)} frames, but frame {wanted[-1]} (from 0) is asked for")
        if jump and not timed:
            return
        packets = container.demux(stream)
        fed = 0  # the number of the next packet
        aimed = -1 if jump else 0  # the key frame of the last jump, which may have landed before it
        while True:
            key = int(index.key[wanted[goal]]) if jump else 0
            if leap := key > aimed and (key > fed or aimed < 0):
                aimed = key
                container.seek(index.time_of(key), stream=stream)
                packets = container.demux(stream)
            packet = next(packets, None)
            if packet is None:
                return
            if leap:
                place = index.packet_at(packet.pts)
                if place is None or place > key:
                    raise _Undecodable("the file cannot be searched")
                fed = place
            if jump and packet.size:
                needed = index.frame_at(packet.pts) in places
                stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            for frame in packet.decode():
                if not isinstance(frame, VideoFrame):
                    continue
                place = index.frame_at(frame.pts) if timed else number + 1
                if place is None:
                    continue
                number = place
                if number > wanted[goal]:
                    raise _Undecodable("it depends on frames which are not in the file")
                if frame.is_corrupt and number == wanted[goal]:
                    raise _Undecodable("its data are damaged")
                yield number, frame
                if number == wanted[goal]:
                    goal += 1
                    if goal == len(wanted):
                        return
            fed += packet.size > 0


class _Undecodable(Exception):
    """A wanted frame did not come out of the decoder."""


def _pixels(path: Path, frame: VideoFrame, reformatter: VideoReformatter) -> NDArray[np.uint8]:
    """Return `frame` as RGB uint8 `(h, w, 3)`, turned upright as the video's display matrix says."""
    pixels = np.asarray(reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray(), np.uint8)
    # Not `frame.side_data`: frame and container would hold each other, and frames stay in memory until Python looks
    # for circles, which at 1080p is a gigabyte.
    matrix = SideDataContainer(frame).get("DISPLAYMATRIX")  # pyright: ignore[reportCallIssue]
    if matrix is None:
        return pixels
    a, b, _, c, d, *_ = np.frombuffer(bytes(matrix), np.int32).tolist()  # (x, y) -> (ax + cy, bx + dy)
    if a == d == 0 and b and c:
        pixels, across, down = pixels.transpose(1, 0, 2), c, b
    elif b == c == 0 and a and d:
        across, down = a, d
    else:
        raise UserError(f"{path} is to be shown rotated by {frame.rotation} degrees; only quarter turns are supported")
    return np.ascontiguousarray(pixels[:: 1 if down > 0 else -1, :: 1 if across > 0 else -1])
