"""Times a pack against frame folders: `python benchmarks/pack.py [--videos LIST --root FOLDER]`.

What is read are the 22 frames that training on GLAD takes of a video, by the reader that training uses. Read warm,
from the memory of the system, and cold: before every cold round the frames are taken out of memory, and it is verified
that not a byte of them is left there. Folder entries and inodes on the one side and the index on the other stay in
memory, and so does what lies beyond this machine, in a disk's or a host's own cache: the cold times tell of this disk
alone. Made-up frames are written below --folder, on the disk that is to be measured.
"""

import ctypes
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import simplejpeg
from turns import Row, Times, arguments, record, take_turns

from glad.data import pack
from glad.data.frames import FrameFolder
from glad.data.listing import Listing, open_listing
from glad.data.packing import pack_frames
from glad.sampling import Grid

Reader = Callable[[int], object]  # reads the sample of a video


def made_up(folder: Path, videos: int, frames: int, size: tuple[int, int] = (340, 256)) -> Path:
    """Write frame folders, about 25 KB a frame, of a textured scene that moves under noise; return their list."""
    width, height = size
    rng = np.random.default_rng(0)
    for video in range(videos):
        path = folder / "frames" / f"{video:03d}"
        path.mkdir(parents=True)
        scene = cv2.resize(rng.integers(0, 256, (height // 12, width // 12, 3), np.uint8), size)
        for index in range(frames):
            frame = np.roll(scene, 2 * index, 1) + rng.normal(0, 0.7, (height, width, 1))
            content = simplejpeg.encode_jpeg(np.clip(frame, 0, 255).astype(np.uint8), 95, colorsubsampling="420")
            (path / f"img_{index:05d}.jpg").write_bytes(content)
    file = folder / "list.txt"
    file.write_text("".join(f"{video:03d} {frames}\n" for video in range(videos)))
    return file


def frames_of(listing: Listing) -> list[np.ndarray]:
    """Return the distinct frames of a GLAD sample of every video."""
    rng = np.random.default_rng(1)
    views = (Grid().views(len(listing.video(index)), rng).values() for index in range(len(listing)))
    return [np.unique(np.concatenate([times.ravel() for times in found])) for found in views]


def readers(folders: Listing, packed: Listing, wanted: list[np.ndarray]) -> dict[str, Reader]:
    """Return what takes turns: the bytes alone of a sample's frames, and the frames decoded, of either kind."""

    def folder_bytes(index: int) -> None:
        video = folders.video(index)
        assert isinstance(video, FrameFolder)
        for frame in wanted[index]:
            touch((video.path / video.layout.name(video.offset + int(frame))).read_bytes())

    def pack_bytes(index: int) -> None:
        video = packed.video(index)
        assert isinstance(video, pack.PackedVideo)
        for content in video.contents(wanted[index]):
            touch(content)

    file = os.open(packed.root, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)  # nothing beyond what is asked for
    opened = pack.open_pack(packed.root)
    pieces = []
    for index in range(len(packed)):
        number = opened[packed[index].path]
        begin = sum(opened.state(earlier)[0][0] for earlier in range(number)) + pack.DATA
        pieces.append((sum(map(len, opened.contents(number, wanted[index]))), begin))

    def in_one_piece(index: int) -> None:
        touch(os.pread(file, *pieces[index]))

    return {
        "folders, bytes": folder_bytes,
        "pack, bytes": pack_bytes,
        "folders, decoded": lambda index: folders.video(index).frames(wanted[index]),
        "pack, decoded": lambda index: packed.video(index).frames(wanted[index]),
        "pack, in one piece": in_one_piece,
    }


def touch(content: bytes | memoryview) -> None:
    """Look at every line of memory of `content`, as a decoder would."""
    np.frombuffer(content, np.uint8)[::64].max()


def evict(path: Path, begin: int = 0, end: int | None = None) -> None:
    """Take these bytes of a file out of memory, and verify that they are out."""
    with path.open("rb") as file:
        size = (os.fstat(file.fileno()).st_size if end is None else end) - begin
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), begin, size, os.POSIX_FADV_DONTNEED)
        left = resident(file.fileno(), begin, size)
    assert not left, f"{left} pages of {path} are still in memory"


def resident(file: int, begin: int, size: int) -> int:
    """Return how many pages of an open file are in memory (mincore)."""
    pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_size_t]
    address = ctypes.c_void_p(libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file, begin))
    assert libc.mincore(address, ctypes.c_size_t(size), pages) == 0
    libc.munmap(address, ctypes.c_size_t(size))
    return sum(page & 1 for page in bytes(pages))


def cold(listings: tuple[Listing, Listing], readers: dict[str, Reader], rounds: int) -> Times:
    """Read every video's sample from the disk in every round, of folders and of the pack in turn."""
    times = Times({name: [] for name in readers}, {name: [] for name in readers})
    folders, packed = listings
    index_at = pack.open_pack(packed.root).header.index_at
    for _ in range(rounds):
        for name, read in readers.items():
            if name.startswith("folders"):
                for file in files_of(folders):
                    evict(file)
            else:
                pack._opened.clear()  # what a process has mapped stays in memory
                evict(packed.root)
                with packed.root.open("rb") as file:
                    file.seek(index_at)
                    file.read()  # the index is in memory, as the inodes of the folders are
                pack.open_pack(packed.root)
                evict(packed.root, pack.DATA, index_at)
            wall, cpu = time.perf_counter(), time.process_time()
            for index in range(len(folders)):
                read(index)
            times.wall[name].append(time.perf_counter() - wall)
            times.cpu[name].append(time.process_time() - cpu)
    return times


def wall_ratio(times: Times, over: str, under: str) -> tuple[float, float, float]:
    """Return how many times longer `over` takes than `under`, by the clock: who waits for a disk uses no CPU."""
    return Times(times.wall, times.wall).ratio(over, under)


def files_of(folders: Listing) -> Iterator[Path]:
    return (path for index in range(len(folders)) for path in (folders.root / folders[index].path).iterdir())


def disk_of(path: Path) -> str:
    """Return the device and the file system that `path` lies on."""
    mounts = [line.split()[:3] for line in Path("/proc/mounts").read_text().splitlines()]
    device, _, kind = max((m for m in mounts if path.resolve().is_relative_to(m[1])), key=lambda m: len(m[1]))
    return f"{device}, {kind}"


def main() -> None:
    options = arguments(__doc__ or "", videos="", root="", folder=tempfile.gettempdir())
    cv2.setNumThreads(1)
    place = Path(tempfile.mkdtemp(prefix="glad-pack-", dir=options.folder))
    try:
        file = Path(options.videos) if options.videos else made_up(place, *((3, 40) if options.quick else (40, 150)))
        root = Path(options.root) if options.root else place / "frames" if not options.videos else file.parent
        folders = open_listing(file, root=root)
        start = time.perf_counter()
        made = pack_frames(folders, place / "frames.pack", 2)
        seconds = time.perf_counter() - start
        packed = folders.below(place / "frames.pack")
        wanted = frames_of(folders)
        for index in range(len(folders)):
            assert np.array_equal(folders.video(index).frames(wanted[index]), packed.video(index).frames(wanted[index]))
        each = readers(folders, packed, wanted)
        jobs = {name: lambda read=read: [read(index) for index in range(len(folders))] for name, read in each.items()}
        warm = take_turns(jobs, options.rounds)
        from_disk = cold((folders, packed), each, options.rounds)
        count = len(folders)
        shared = {
            "frames of a sample": median(len(frames) for frames in wanted),
            "KiB a frame": made.bytes / made.frames / 1024,
        }
        rows = []
        for state, times in (("warm", warm), ("cold", from_disk)):
            for what in ("bytes", "decoded"):
                reading, ours = f"folders, {what}", f"pack, {what}"
                clock = times.wall if state == "cold" else times.cpu
                more: dict[str, float | str] = {}
                floor, share = "", None
                if (state, what) == ("cold", "bytes"):
                    floor = "as many bytes of the pack in one piece"
                    share = median(a / b for a, b in zip(clock["pack, in one piece"], clock[ours], strict=True))
                    more["disk"] = disk_of(place)
                if (state, what) == ("warm", "decoded"):
                    spared = [a / (a - b) for a, b in zip(clock[reading], clock["folders, bytes"], strict=True)]
                    more["most that any store can gain"] = f"{median(spared):.2f}x"
                rows.append(
                    Row(
                        f"packed store, {state}, {'frames decoded' if what == 'decoded' else 'bytes alone'}",
                        "frame folders",
                        times.ratio(reading, ours) if state == "warm" else wall_ratio(times, reading, ours),
                        {("warm", "decoded"): 1.1, ("cold", "bytes"): 4.0}.get((state, what)),
                        floor,
                        share,
                        figures={
                            **{
                                f"ms of a sample, {name}": 1e3 * median(clock[name]) / count for name in (reading, ours)
                            },
                            **shared,
                            **more,
                        },
                        note=NOTES[state, what],
                    )
                )
        rows.append(
            Row(
                "glad prepare pack",
                figures={"MB/s": made.bytes / 1e6 / seconds, "videos": float(count), "threads": 2.0},
                note="From frame folders in memory, checksums and fsync included; from a disk it is as fast as that.",
            )
        )
        record("pack", rows, quick=options.quick)
    finally:
        shutil.rmtree(place)


NOTES = {
    ("warm", "bytes"): "A pack saves opening files; nothing is copied out of the system's memory.",
    ("warm", "decoded"): "Decoding is the same work on both sides; a store can gain no more than what reading costs.",
    (
        "cold",
        "bytes",
    ): "Wall time; 0 resident pages verified before every round. A pack asks the disk for all frames at "
    "once and waits for one; folders wait for 22 in turn. The more a disk makes one wait, the larger the ratio. "
    "The goal is set on reading bytes alone: with decoding, as a training step reads, it is the next row.",
    ("cold", "decoded"): "Wall time, the same with decoding, which is the same work on both sides; it has no goal.",
}


if __name__ == "__main__":
    main()
