"""A pack: one file with the frames of many videos as they were stored, and an index; it is read where it is mapped.

    header     4096 bytes: what `_HEADER` says, then zeros
    frames     the files of all frames, one after the other, video by video
    index      the arrays of `Header.places`, little-endian: of videos first, then where each frame ends

Sums (crc32) tell of damage: those of the header and of what is about videos are looked at when a pack is opened, those
of the frames and of where they end by `glad check`. `glad.data.packing` writes packs.
"""

import hashlib
import json
import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glad.data.blame import blamed, reason
from glad.data.frames import FrameLayout
from glad.data.gather import Indices, gathered
from glad.data.image import decode
from glad.errors import UserError

MAGIC = b"GLADPACK"
VERSION = 1
DATA = 4096  # where frames begin
_HEADER = struct.Struct("<8sIIIIQQQQ")  # and the crc32 of these


class Header(NamedTuple):
    """The beginning of a pack: its sums, the byte at which the index begins, and how many there are of what."""

    magic: bytes
    version: int
    videos_crc: int  # of the index up to `ends`
    ends_crc: int
    about: int
    index_at: int
    videos: int
    frames: int
    names: int

    def content(self) -> bytes:
        """Return the header as it is stored."""
        content = _HEADER.pack(*self)
        return (content + struct.pack("<I", zlib.crc32(content))).ljust(DATA, b"\0")

    def places(self) -> dict[str, tuple[str, int, int]]:
        """Return kind, number of values and first byte of every array of the index, by name and in their order."""
        videos, at = self.videos, self.index_at
        found: dict[str, tuple[str, int, int]] = {}
        for name, kind, count in (
            ("hashes", "<u8", videos),  # of the names, ascending
            ("which", "<u8", videos),  # the video of each hash
            ("starts", "<u8", videos + 1),  # the byte at which a video begins
            ("firsts", "<u8", videos + 1),  # the number of its first frame, over all videos
            ("name_ends", "<u8", videos + 1),
            ("states", "<u8", videos),  # by which a changed folder is told
            ("crcs", "<u8", videos),  # crc32 of its frames
            ("names", "u1", self.names),
            ("about", "u1", self.about),  # how frames are named, as JSON, and spaces up to a multiple of 8 bytes
            ("ends", "<u4", self.frames),  # the byte, from the beginning of its video, at which a frame ends
        ):
            found[name] = kind, count, at
            at += count * np.dtype(kind).itemsize
        return found

    @property
    def length(self) -> int:
        """The bytes of the whole file."""
        return self.places()["ends"][2] + 4 * self.frames


def name_hash(name: str) -> int:
    """Return the number under which a video is found."""
    return int.from_bytes(hashlib.blake2b(os.fsencode(name), digest_size=8).digest(), "little")


class Pack:
    """An open pack. Nothing of it is held in memory but what the system maps, once for all processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                begin = file.read(_HEADER.size + 4)
                if begin[: len(MAGIC)] != MAGIC:
                    raise UserError(f"{path} is no pack; `glad prepare pack` makes one of a list of frame folders")
                if len(begin) < _HEADER.size + 4:
                    raise UserError(f"{path} is cut: it ends within its header; pack it anew")
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as problem:
            raise UserError(f"{path} cannot be read: {reason(problem)}") from None
        self.header = header = Header(*_HEADER.unpack(begin[: _HEADER.size]))
        if zlib.crc32(begin[: _HEADER.size]) != int.from_bytes(begin[_HEADER.size :], "little"):
            raise UserError(f"{path} is damaged: its header is not as it was written; pack it anew")
        if header.version != VERSION:
            raise UserError(f"{path} is a pack of version {header.version}; this glad reads version {VERSION}")
        if size != header.length:
            raise UserError(f"{path} is {'cut' if size < header.length else 'damaged'}: it has {size:,} bytes of "
                            f"{header.length:,}; pack it anew")  # fmt: skip
        self._view = memoryview(self._map)
        places = header.places()
        self._ends_at = places["ends"][2]
        if zlib.crc32(self._view[header.index_at : self._ends_at]) != header.videos_crc:
            raise self._damaged()
        if hasattr(self._map, "madvise"):
            self._map.madvise(mmap.MADV_DONTNEED)  # looked at, and no burden to this process any more
        arrays = {name: np.frombuffer(self._map, kind, count, at) for name, (kind, count, at) in places.items()}
        self._hashes, self._which, self._name_ends = arrays["hashes"], arrays["which"], arrays["name_ends"]
        self._starts, self._firsts, self._ends = arrays["starts"], arrays["firsts"], arrays["ends"]
        self.states, self._crcs, self._names = arrays["states"], arrays["crcs"], arrays["names"]
        about = json.loads(arrays["about"].tobytes())
        self.layout = FrameLayout(about["template"], about["first"])

    def __len__(self) -> int:
        return self.header.videos

    def name(self, video: int) -> str:
        """Return the path of a video, as the list had it."""
        start, end = int(self._name_ends[video]), int(self._name_ends[video + 1])
        return os.fsdecode(self._names[start:end].tobytes())

    def video(self, name: str) -> int | None:
        """Return the number of the video `name`, or None."""
        wanted = name_hash(name)
        place = int(np.searchsorted(self._hashes, np.uint64(wanted)))
        while place < len(self) and int(self._hashes[place]) == wanted:
            video = int(self._which[place])
            if self.name(video) == name:
                return video
            place += 1
        return None

    def __getitem__(self, name: str) -> int:
        """Return the number of the video `name`; `UserError` where the pack does not hold it."""
        video = self.video(name)
        if video is None:
            raise UserError(f"there is no video {name} in {self.path}, which holds {len(self)}, {self.name(0)} for one")
        return video

    def frames(self, video: int) -> int:
        """Return how many frames a video has."""
        return int(self._firsts[video + 1]) - int(self._firsts[video])

    def state(self, video: int) -> list[list[int]]:
        """Return by what a video is told from another one: bytes and crc32 of its frames (as `video_state`)."""
        return [[int(self._starts[video + 1]) - int(self._starts[video]), 0], [int(self._crcs[video]), 0]]

    def contents(self, video: int, frames: NDArray[np.int64]) -> list[memoryview]:
        """Return the files of some `frames` of a video, ascending; the disk is told of all of them at once."""
        start, first, stop = int(self._starts[video]), int(self._firsts[video]), int(self._starts[video + 1])
        ends = start + self._ends[first + frames].astype(np.int64)
        before = start + np.where(frames > 0, self._ends[first + np.maximum(frames, 1) - 1].astype(np.int64), 0)
        spans = list(zip(before.tolist(), ends.tolist(), strict=True))
        if not all(DATA <= begin <= end <= stop <= self.header.index_at for begin, end in spans):
            raise self._damaged()
        for begin, end in spans:
            page = begin - begin % mmap.PAGESIZE
            if hasattr(self._map, "madvise"):
                self._map.madvise(mmap.MADV_WILLNEED, page, end - page)
        return [self._view[begin:end] for begin, end in spans]

    def check_index(self) -> None:
        """Refuse a pack whose index is not as it was written; what is about videos was looked at on opening."""
        if zlib.crc32(self._view[self._ends_at :]) != self.header.ends_crc:
            raise self._damaged()

    def check_video(self, name: str) -> None:
        """Refuse a video whose frames are not as they were packed; reads all of them."""
        video, found = self[name], 0
        for content in self.contents(video, np.arange(self.frames(video))):
            found = zlib.crc32(content, found)
        if found != int(self._crcs[video]):
            raise UserError(f"{self.path / name} is damaged: its frames are not those that were packed; pack it anew")

    def _damaged(self) -> UserError:
        return UserError(f"{self.path} is damaged: its index is not as it was written; pack it anew")


@dataclass(frozen=True)
class PackedVideo:
    """A video in the pack `file`, or the `length` frames of it that start at `offset`.

    It holds names and numbers only, so it may travel to loader workers. `origin` (say, `train.txt line 3`) opens
    every error.
    """

    file: Path
    name: str
    length: int
    offset: int = 0
    origin: str = ""

    @property
    def path(self) -> Path:
        """The video as a path that leads through the pack."""
        return self.file / self.name

    @property
    def layout(self) -> FrameLayout:
        """How its frames were named."""
        return open_pack(self.file).layout

    def __len__(self) -> int:
        return self.length

    def frames(self, indices: Indices) -> NDArray[np.uint8]:
        """Return the frames `indices` (0 .. len - 1) as RGB uint8 `(t, h, w, 3)`, each decoded once."""
        return gathered(indices, self.stream)

    def stream(self, indices: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """Yield `(h, w, 3)` for each of the ascending, distinct `indices`."""
        first: tuple[str, tuple[int, ...]] | None = None
        with blamed(self.origin):
            layout = open_pack(self.file).layout
            for index, content in zip(indices, self.contents(indices), strict=True):
                name = layout.name(self.offset + int(index))
                frame = decode(content, f"{self.path}/{name}")
                first = first or (name, frame.shape)
                if frame.shape != first[1]:
                    raise UserError(
                        f"the frames of {self.path} differ in size: {first[0]} is {first[1][1]}x{first[1][0]}, "
                        f"{name} is {frame.shape[1]}x{frame.shape[0]}"
                    )
                yield frame

    def contents(self, indices: NDArray[np.int64]) -> list[memoryview]:
        """Return the files of the ascending, distinct frames `indices` where the system has mapped them."""
        assert indices[-1] < self.length, f"frame {indices[-1]} of a video of {self.length}"
        pack = open_pack(self.file)
        video = pack[self.name]
        wanted, count = self.offset + indices, pack.frames(video)
        if wanted[-1] >= count:
            name = pack.layout.name(int(wanted[np.searchsorted(wanted, count)]))
            raise UserError(f"{self.path}/{name} is missing; the pack holds {count} frames of this video")
        return pack.contents(video, wanted)


def is_pack(path: Path) -> bool:
    """Return whether the file at `path` begins like a pack."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def open_pack(path: Path) -> Pack:
    """Return the pack at `path`, mapped once in a process, and anew where the file was replaced."""
    try:
        found = path.stat()
    except OSError as problem:
        raise UserError(f"the pack {path} cannot be read: {reason(problem)}") from None
    state = found.st_size, found.st_mtime_ns, found.st_ino
    known = _opened.get(text := str(path))
    if known is None or known[0] != state:
        known = _opened[text] = state, Pack(path)
    return known[1]


_opened: dict[str, tuple[tuple[int, int, int], Pack]] = {}


def packed_video(path: Path, offset: int = 0, length: int | None = None, origin: str = "") -> PackedVideo | None:
    """Return the video at a `path` that leads through a pack, as `train.pack/jump/a`; None where it leads through none.

    A video that the pack does not hold, or a file in the place of the pack that is none, raises `UserError`.
    """
    if (through := through_pack(path)) is None:
        return None
    pack, name = open_pack(through[0]), through[1]
    count = pack.frames(pack[name])
    if length is None and count <= offset:
        raise UserError(f"{path} has {count} frames, none from offset {offset} on")
    return PackedVideo(pack.path, name, count - offset if length is None else length, offset, origin)


def through_pack(path: Path) -> tuple[Path, str] | None:
    """Return the file that `path` leads through, and the rest of it; None where it leads through folders alone."""
    text = str(path)
    for known in _opened:  # a few packs at most, and no question to the disk
        if text.startswith(known) and text[len(known) : len(known) + 1] == "/":
            return Path(known), text[len(known) + 1 :]
    for parent in path.parents:
        if parent.is_file():
            return parent, path.relative_to(parent).as_posix()
        if parent.is_dir():
            break
    return None


def packed_state(path: Path) -> list[list[int]] | None:
    """Return the state of the video at a `path` that leads through a pack; None where there is none."""
    through = through_pack(path)
    if through is None or not is_pack(through[0]):
        return None
    pack = open_pack(through[0])
    video = pack.video(through[1])
    return None if video is None else pack.state(video)
