"""Makes a pack: copies the frames of all videos of a list into one file, which is there once it is whole."""

import hashlib
import json
import os
import time
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glad.data.blame import blamed, reason
from glad.data.frames import FrameLayout, frame_folder, frame_layout
from glad.data.listing import Listing
from glad.data.pack import DATA, MAGIC, VERSION, Header, is_pack, name_hash, open_pack
from glad.data.state import video_state
from glad.data.work import MANIFEST, Facts, Job, check_folder, check_outside, clear, failure, locked, write_quarantine
from glad.errors import UserError
from glad.progress import progress, say

SUFFIX = ".pack"
SYNC_SECONDS = 1.0  # of work that a kill or a power failure may cost
_PARTS = "frames", "ends"  # of an unfinished pack
_LARGEST = 2**32 - 1  # bytes of a video


@dataclass(frozen=True)
class Packed:
    """What became of a listing: how many of its videos were packed now, and were there; what the pack holds."""

    made: int
    kept: int
    frames: int
    bytes: int


def pack_frames(listing: Listing, out: Path, workers: int = 0) -> Packed:
    """Write the frame folders of all videos of `listing` into the pack `out`, byte for byte as they are.

    A recording is packed once and as a whole, whatever spans of it are listed. The pack takes its place once it holds
    all of them; until then, what is done waits in the folder `out`.unfinished, and a killed run goes on from there. A
    video that fails does not stop the others: at the end `UserError` names those that failed, and `quarantine.txt` in
    that folder lists them. A pack that holds the videos as they are is kept, another one replaced. `workers` threads
    read.
    """
    jobs = _jobs(listing, out)
    if out.exists() and not is_pack(out):
        raise UserError(f"{out} is there already and is no pack; choose another --out")
    folder = out.with_name(f"{out.name}.unfinished")
    if not (why := _reason(jobs, out)) and not _left(folder):
        return _made(out, 0, len(jobs))
    check_folder(folder, _PARTS)
    with locked(folder) as manifest:
        if not (why := _reason(jobs, out)):  # another run has made it, maybe while this one waited
            if not (folder / "frames").exists():
                clear(folder, _PARTS)
            return _made(out, 0, len(jobs))
        if out.exists():
            say(f"{out} is packed anew: {why}")
        with _unfinished(folder / "frames") as data, _unfinished(folder / "ends") as ends:
            lines = _taken_over(jobs, manifest, data, ends)
            kept = len(lines)
            failed = _add(jobs, lines, manifest, data, ends, workers)
            write_quarantine(folder, [(job.listed, failed[job.result]) for job in jobs if job.result in failed])
            if failed:
                raise failure(folder, "videos", len(jobs), [failed[job.result] for job in jobs if job.result in failed])
            _finish(lines, jobs[0].layout, data, ends)
        (folder / "frames").replace(out)
        clear(folder, _PARTS)
    return _made(out, len(jobs) - kept, kept)


def _left(folder: Path) -> bool:
    """Return whether a run was killed after its pack took its place, and before this folder of it was removed.

    Where there are frames, they wait for a pack that is still to be made, maybe of another list.
    """
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError:  # as a rule there is no such folder
        return False
    return not names or (MANIFEST in names and "frames" not in names)


def pack_named(videos: Path) -> Path:
    """Return where the pack of a list or a folder stands unless one says: beside it, `train.txt` to `train.pack`."""
    videos = videos if videos.name else videos.resolve()
    return videos.with_name(f"{videos.name if videos.is_dir() else videos.stem}{SUFFIX}")


def _made(out: Path, made: int, kept: int) -> Packed:
    header = open_pack(out).header
    return Packed(made, kept, header.frames, header.length)


def _jobs(listing: Listing, out: Path) -> list[Job]:
    """Return the recordings of a listing, once each, with the layout of their folders."""
    check_outside(out, listing.file)
    if is_pack(listing.root):
        raise UserError(f"{listing.root} is a pack already; a pack is made of frame folders")
    jobs: dict[str, Job] = {}
    for index in range(len(listing)):
        path = listing[index].path
        name = PurePosixPath(path).as_posix()
        if name in jobs:
            continue
        origin = listing.where(index) if listing.line(index) else ""
        jobs[name] = job = Job(name, path, listing.root / path, layout=listing.layout, origin=origin)
        if job.path.is_file():
            with blamed(origin):
                raise UserError(
                    f"{job.path} is a video file, and a pack holds frames: run `glad prepare frames {listing.file} "
                    "--out FRAMES` first, and pack FRAMES/frames.txt"
                )
    if listing.layout is None:  # where its first video is missing
        there = next((job.path for job in jobs.values() if job.path.is_dir()), None)
        if there is None:
            raise UserError(f"none of the videos of {listing.file} is below {listing.root}; --root says where they are")
        return [replace(job, layout=frame_layout(there)) for job in jobs.values()]
    return list(jobs.values())


def _reason(jobs: Sequence[Job], out: Path) -> str:
    """Return why the pack `out` has to be made; "" where it holds the videos of `jobs` as they are."""
    if not out.exists():
        return "it is not there"
    try:
        pack = open_pack(out)
        pack.check_index()
    except UserError as problem:
        return str(problem)
    found = {job.result: pack.video(job.result) for job in jobs}
    new = sum(video is None for video in found.values())
    changed = 0
    for job in jobs:
        if (video := found[job.result]) is not None and job.path.exists():
            state = video_state(job.path, 0, pack.frames(video), pack.layout)
            changed += state is None or _digest(state) != int(pack.states[video])
    counts = [f"{count} {what}" for count, what in ((new, "new"), (changed, "changed")) if count]
    return f"the videos are others ({', '.join(counts)})" if counts else ""


# what is done and waits ----------------------------------------------------------------------------------------------


class _Content(NamedTuple):
    """A video as it is read: its files, and the line of the manifest about it."""

    files: list[bytes]
    line: Facts


def _unfinished(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "rb+")


def _taken_over(jobs: Sequence[Job], manifest: BinaryIO, data: BinaryIO, ends: BinaryIO) -> list[Facts]:
    """Return the lines about what a run before has left and is still so; forget all from the first other one on.

    The files are left where the next video begins.
    """
    wanted = {job.result: job for job in jobs}
    lines: list[Facts] = []
    size, numbers = os.fstat(data.fileno()).st_size, os.fstat(ends.fileno()).st_size // 4
    manifest.seek(0)
    here, bytes_, frames = 0, DATA, 0
    for text in manifest.readlines():
        line = _line(text)
        if line is None or (job := wanted.pop(line["result"], None)) is None or line["settings"] != _settings(job):
            break
        state = video_state(job.path, 0, line["frames"], job.layout)
        if state != line["state"] and (state is not None or job.path.exists()):
            break
        if bytes_ + line["bytes"] > size or frames + line["frames"] > numbers:
            break
        lines.append(line)
        here, bytes_, frames = here + len(text), bytes_ + line["bytes"], frames + line["frames"]
    for file, end in ((manifest, here), (data, bytes_), (ends, 4 * frames)):
        file.truncate(end)
        file.seek(end)
    return lines


def _line(text: bytes) -> Facts | None:
    """Return a line of the manifest; None where it is none of ours."""
    try:
        line = json.loads(text)
        kinds = {"result": str, "bytes": int, "frames": int, "crc": int, "state": list, "settings": dict}
        return line if all(isinstance(line[name], kind) for name, kind in kinds.items()) else None
    except (ValueError, KeyError, TypeError):
        return None


def _add(
    jobs: Sequence[Job], lines: list[Facts], manifest: BinaryIO, data: BinaryIO, ends: BinaryIO, workers: int
) -> dict[str, str]:
    """Append the videos that `lines` lack, and their lines; return those that failed, and why.

    Bytes are on the disk before the line about them, so that a line is never about what is not there.
    """
    there = {line["result"] for line in lines}
    todo = [job for job in jobs if job.result not in there]
    failed: dict[str, str] = {}
    waiting: list[Facts] = []
    last = time.monotonic()

    def settle() -> None:
        for file in (data, ends):
            file.flush()
            os.fsync(file.fileno())
        manifest.write(b"".join(json.dumps(line).encode() + b"\n" for line in waiting))
        manifest.flush()
        os.fsync(manifest.fileno())
        lines.extend(waiting)
        waiting.clear()

    with progress("pack", len(jobs), "videos", done=len(lines)) as bar:
        try:
            for job, content in _read_ahead(todo, workers):
                if isinstance(content, str):
                    failed[job.result] = content
                else:
                    data.writelines(content.files)
                    ends.write(np.cumsum([len(file) for file in content.files]).astype("<u4").tobytes())
                    waiting.append(content.line)
                    if time.monotonic() - last >= SYNC_SECONDS:
                        settle()
                        last = time.monotonic()
                bar.advance(note=f"{len(failed)} failed" if failed else "")
        except KeyboardInterrupt:
            settle()
            raise
    settle()
    return failed


def _read_ahead(jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, _Content | str]]:
    """Yield the jobs in their order with what is read, by `workers` threads that are a few videos ahead."""
    if workers < 1:
        yield from ((job, _read(job)) for job in jobs)
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead = deque()
        try:
            for job in jobs:
                ahead.append((job, pool.submit(_read, job)))
                if len(ahead) > 2 * workers:
                    job, found = ahead.popleft()
                    yield job, found.result()
            for job, found in ahead:
                yield job, found.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _read(job: Job) -> _Content | str:
    """Return the files of a frame folder, or what is wrong with it."""
    try:
        with blamed(job.origin):
            if not job.path.exists():
                raise UserError(f"there is no frame folder at {job.path}")
            frames = frame_folder(job.path, job.layout)
            state = video_state(job.path, 0, len(frames), job.layout)  # before it is read: a later change shows
            files: list[bytes] = []
            crc = 0
            for index in range(len(frames)):
                path = job.path / frames.layout.name(index)
                files.append(path.read_bytes())
                crc = zlib.crc32(files[-1], crc)
                if not files[-1]:
                    raise UserError(f"{path} is an empty file")
            if (size := sum(map(len, files))) > _LARGEST:
                raise UserError(f"the frames of {job.path} have more than 4 GiB; cut the video in parts")
    except UserError as problem:
        return str(problem)
    except OSError as problem:
        return f"{job.path} cannot be read: {reason(problem)}"
    line = {"result": job.result, "video": job.listed, "frames": len(files), "bytes": size, "crc": crc}
    return _Content(files, line | {"span": [0, None], "state": state, "settings": _settings(job)})


def _settings(job: Job) -> Facts:
    assert job.layout is not None
    return {"template": job.layout.template, "first": job.layout.first}


# the index -----------------------------------------------------------------------------------------------------------


def _finish(lines: Sequence[Facts], layout: FrameLayout | None, data: BinaryIO, ends: BinaryIO) -> None:
    """Write the index behind the frames, and the header before them; all of it is on the disk then."""
    assert layout is not None
    names = [os.fsencode(line["result"]) for line in lines]
    hashes = np.array([name_hash(line["result"]) for line in lines], np.uint64)
    order = np.argsort(hashes, kind="stable")
    arrays = {
        "hashes": hashes[order],
        "which": order,
        "starts": DATA + _sums([line["bytes"] for line in lines]),
        "firsts": _sums([line["frames"] for line in lines]),
        "name_ends": _sums([len(name) for name in names]),
        "states": np.array([_digest(line["state"]) for line in lines], np.uint64),
        "crcs": np.array([line["crc"] for line in lines], np.uint64),
        "names": np.frombuffer(b"".join(names), np.uint8),
    }
    about = json.dumps({"template": layout.template, "first": layout.first}).encode()
    about += b" " * (-(len(about) + len(arrays["names"])) % 8)
    arrays["about"] = np.frombuffer(about, np.uint8)
    stop = int(arrays["starts"][-1])
    index_at = -(-stop // DATA) * DATA
    frames = int(arrays["firsts"][-1])
    header = Header(MAGIC, VERSION, 0, 0, len(about), index_at, len(lines), frames, len(arrays["names"]))
    data.seek(stop)
    data.write(bytes(index_at - stop))
    sums = {"videos_crc": 0, "ends_crc": 0}
    for name, (kind, count, at) in header.places().items():
        assert data.tell() == at, (name, data.tell(), at)
        which = "ends_crc" if name == "ends" else "videos_crc"
        for part in _pieces(ends, 4 * count) if name == "ends" else [arrays[name].astype(kind).tobytes()]:
            data.write(part)
            sums[which] = zlib.crc32(part, sums[which])
    data.flush()
    os.fsync(data.fileno())
    data.seek(0)
    data.write(header._replace(**sums).content())
    data.flush()
    os.fsync(data.fileno())


def _sums(values: list[int]) -> NDArray[np.int64]:
    """Return the sums of none, one, two … of the values."""
    return np.cumsum([0, *values])


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the first `size` bytes of a file, a part at a time."""
    file.seek(0)
    while size and (part := file.read(min(size, 2**24))):
        yield part
        size -= len(part)


def _digest(state: object) -> int:
    """Return a state as one number."""
    return int.from_bytes(hashlib.blake2b(json.dumps(state).encode(), digest_size=8).digest(), "little")
