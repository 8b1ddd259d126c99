"""Where the frames of a video file are: when each is shown, and from which key frame it can be decoded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from numpy.typing import NDArray

from glad.data.blame import reason
from glad.errors import UserError

_SLACK = 0.5  # seconds by which a file may end before the time its header declares


@dataclass(frozen=True)
class PacketIndex:
    """What one walk over the packets of a file, without decoding, tells about its n frames.

    Frames count in the order they are shown; packets count in the order they are stored, which differs where there
    are B-frames. `times` is empty when the file does not say when its frames are shown: then it can only be decoded
    from its start, and its frames can only be counted by decoding them.
    """

    times: NDArray[np.int64]  # (n,) when frame i is shown, ascending, in the time base of the stream
    key: NDArray[np.int64]  # (n,) the packet to start from in order to decode frame i
    packet_times: NDArray[np.int64]  # (p,) all packets, ascending by time
    packets: NDArray[np.int64]  # (p,) the packet shown at that time

    def packet_at(self, time: int | None) -> int | None:
        """Return the number of the packet shown at `time`."""
        place = _place(self.packet_times, time)
        return None if place is None else int(self.packets[place])

    def frame_at(self, time: int | None) -> int | None:
        """Return the number of the frame shown at `time`."""
        return _place(self.times, time)

    def time_of(self, packet: int) -> int:
        """Return when packet number `packet` is shown."""
        return int(self.packet_times[np.flatnonzero(self.packets == packet)[0]])


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the video file `path` for decoding in this thread alone; damage in the data is an error."""
    try:
        container = av.open(os.fspath(path), metadata_errors="ignore")
    except (FFmpegError, OSError) as problem:
        empty = path.is_file() and path.stat().st_size == 0
        raise UserError(
            f"{path} is an empty file" if empty else f"{path} cannot be opened as a video: {reason(problem)}"
        ) from None
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise UserError(f"{path} holds no video stream")
        if stream.codec_context is None:
            raise UserError(f"{path} is in a codec that this installation of PyAV cannot decode")
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"err_detect": "explode"}
        yield container, stream


def frame_rate(path: Path) -> float | None:
    """Return the frames per second that the file declares, on average where they vary; None where it does not say."""
    with opened(path) as (_, stream):
        return float(stream.average_rate) if stream.average_rate else None


def packet_index(path: Path) -> PacketIndex:
    """Return the index of the video file `path`; the last few are remembered, until the file changes.

    A file which is cut short, or shorter than its header declares, raises `UserError`.
    """
    known = _known(path)
    if not known:
        with opened(path) as (container, stream):
            known.append(_walked(path, container, stream))
    return known[0]


@contextmanager
def indexed(path: Path, *, at_start: bool) -> Iterator[tuple[InputContainer, VideoStream, PacketIndex]]:
    """Open the video file `path` as `opened` does, and yield its index too.

    Unless `at_start`, the file may have been read to its end for the index, which saves opening it twice: whoever reads
    packets seeks first.
    """
    known = _known(path)
    if at_start and not known:
        packet_index(path)
    with opened(path) as (container, stream):
        if not known:
            known.append(_walked(path, container, stream))
        yield container, stream, known[0]


def _known(path: Path) -> list[PacketIndex]:
    """Return the list that holds, or is to hold, the index of the file as it is now."""
    try:
        state = path.stat()
    except OSError as problem:
        raise UserError(f"{path} cannot be opened as a video: {reason(problem)}") from None
    return _remembered(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _remembered(_path: Path, _mtime: int, _size: int) -> list[PacketIndex]:
    """Return what is remembered of a file in one state: its index, or nothing yet."""
    return []


def _walked(path: Path, container: InputContainer, stream: VideoStream) -> PacketIndex:
    """Return the index of a file just opened, which is then at its end."""
    times: list[int | None] = []
    keys: list[bool] = []
    shown: list[bool] = []
    damaged = False
    ends = [0] * len(container.streams)  # of each stream, when its last packet ends
    try:
        # An MP4 declares how many frames it has, others when they end: there the packets of sound count too.
        for packet in container.demux(*([stream] if "mp4" in container.format.name else ())):
            if not packet.size:
                continue
            place, time = packet.stream_index, packet.pts
            if time is not None and (end := time + (packet.duration or 0)) > ends[place]:
                ends[place] = end
            if place == stream.index:
                times.append(time)
                keys.append(packet.is_keyframe)
                shown.append(not packet.is_discard)
                damaged = damaged or packet.is_corrupt
    except FFmpegError as problem:
        raise UserError(f"{path} cannot be read beyond frame {len(times)}: {reason(problem)}") from None
    if not times:
        raise UserError(f"{path} holds no frames")
    bases = [each.time_base or 0 for each in container.streams]
    seconds = max(float(end * base) for end, base in zip(ends, bases, strict=True))
    _check_whole(path, container, stream, len(times), seconds, damaged)
    if container.format.name == "avi" and stream.codec_context.has_b_frames:
        times = [None] * len(times)  # AVI stores no times of presentation, and here they are not the order stored
    return _index(times, keys, shown)


def _check_whole(
    path: Path, container: InputContainer, stream: VideoStream, count: int, end: float, damaged: bool
) -> None:
    """Refuse a file that ends before its header says. Formats differ in what they declare."""
    kind = container.format.name
    declared = len(stream.index_entries) if "mp4" in kind else stream.frames if "avi" in kind else 0
    if damaged or ("mp4" in kind and count < declared):
        number = f"{count} of {declared}" if declared > count else f"{count}"
        raise UserError(f"{path} is cut short or damaged: it stops after {number} frames")
    seconds = 0.0
    if "avi" in kind and stream.time_base:
        # An empty packet marks a frame shown for longer: time is what counts, not the number of packets.
        gap = end / count if end else 0.0
        seconds, end = float(declared * stream.time_base), end + gap
    elif "matroska" in kind and container.duration:
        seconds = container.duration / av.time_base
    if seconds - end > _SLACK:
        raise UserError(f"{path} is cut short: it stops after {count} frames, at {end:.1f} of {seconds:.1f} s")
    if kind == "gif":
        with path.open("rb") as file:
            file.seek(-min(path.stat().st_size, 1024), os.SEEK_END)
            if not file.read().rstrip(b"\0").endswith(b";"):
                raise UserError(f"{path} is cut short: it stops after {count} frames, without the end mark of a GIF")


def _index(times: list[int | None], keys: list[bool], shown: list[bool]) -> PacketIndex:
    """Return the index made of the packets' times and marks, all in the order they are stored."""
    none = np.empty(0, np.int64)
    if any(time is None for time in times) or len(set(times)) < len(times):
        return PacketIndex(none, none, none, none)
    stored = np.array(times, np.int64)
    order = np.argsort(stored, kind="stable")
    visible = np.sort(stored[np.array(shown)])
    marks = order[np.array(keys)[order]]  # the key frames, ascending by time
    # Frames shown before the first key frame can only be reached from the start of the file.
    last = np.searchsorted(stored[marks], visible, side="right") - 1
    key = np.where(last >= 0, marks[last], 0) if len(marks) else np.zeros(len(visible), np.int64)
    return PacketIndex(visible, key, stored[order], order)


def _place(ascending: NDArray[np.int64], time: int | None) -> int | None:
    if time is None:
        return None
    place = int(ascending.searchsorted(time))
    return place if place < len(ascending) and ascending[place] == time else None
