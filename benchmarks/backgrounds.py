"""Times our temporal medians against the official job, side by side: `python benchmarks/backgrounds.py VIDEO ...`.

The official job (utils/extract_median_by_rawframes.py of the release) reads all frames of a frame folder into a list,
calls np.median(axis=0), casts to bytes and writes a JPEG. Here its parts are the same calls; imageio, which would be
one more dependency, is stood in for by an OpenCV JPEG of the same quality (75). Each VIDEO (two made-up ones, when none
is given) is first written as a frame folder by `glad prepare frames`, as the release expects. Where numba is installed,
ours is measured with it and without.
"""

import itertools
import multiprocessing
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from unittest.mock import patch

import clips
import cv2
import numpy as np
from turns import Row, arguments, record, take_turns

import glad.data.median
from glad.data.background import extract_backgrounds
from glad.data.compiled_median import compiled_median
from glad.data.extract import FrameFiles, extract_frames
from glad.data.listing import open_listing
from glad.data.median import temporal_median
from glad.data.video import Video

NOTES = {
    "numba": "By CPU time, as the goal is set. With numba, which the extra `fast` brings.",
    "NumPy": "By CPU time. Without numba, as an installation without the extra `fast` computes.",
}
LONG = 5  # times the frames of a video, for its memory


def official_median(frames: list[np.ndarray]) -> np.ndarray:
    """Return the median as the release computes it."""
    return np.median(np.stack(frames), axis=0).astype(np.uint8)


def official_job(folder: Path, out: Path) -> None:
    """Make one background as the release does: decode everything, take the median, write."""
    frames = [np.asarray(cv2.imread(str(path)))[:, :, ::-1] for path in sorted(folder.glob("*.jpg"))]
    cv2.imwrite(str(out), official_median(frames)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])


def found_by(way: str) -> AbstractContextManager[object]:
    """Have medians found by numba, or by NumPy as if there was no numba."""
    return patch.object(glad.data.median, "compiled_median", compiled_median if way == "numba" else lambda: None)


def ours_job(folder: Path, out: Path, way: str) -> None:
    """Make the backgrounds of the videos below `folder` as `glad prepare backgrounds` does, in this process."""
    with found_by(way):
        extract_backgrounds(open_listing(folder), folder, out)


def ours_step(frames: list[np.ndarray], way: str) -> np.ndarray:
    """Return our median."""
    with found_by(way):
        return temporal_median(frames)


def decoded(video: Video) -> None:
    """Decode everything with our reader, and do nothing with it."""
    for _ in video.stream(np.arange(len(video))):
        pass


def made_up(folder: Path, frames: int, size: tuple[int, int]) -> list[Path]:
    """Write two video files, one by a camera at rest and one by a camera that moves; return their paths."""
    folder.mkdir()
    names = {"still camera": 0, "moving camera": 1}
    return [
        clips.write(folder / f"{name}.mp4", [*clips.made_up(frames, size, moves)], 250) for name, moves in names.items()
    ]


def repeated(folder: Path, video: Path, times: int) -> Path:
    """Lay out below `folder` one video, the frames of `video` so many times over; return `folder`."""
    (folder / "v").mkdir(parents=True)
    frames = sorted(video.glob("*.jpg")) * times
    for index, frame in enumerate(frames):
        (folder / "v" / f"img_{index:05d}.jpg").symlink_to(frame)
    return folder


def peak(job: Callable[[Path, Path], None], folder: Path, out: Path) -> float:
    """Return how many MB of memory `job` takes at its peak, beyond a process that has only been started."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before = pool.apply(_most)
        pool.apply(job, (folder, out))
        return (pool.apply(_most) - before) / 1024


def _most() -> int:
    """Return the most memory this process ever held, in kB. (What `getrusage` says is inherited from the parent.)"""
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))


def main() -> None:
    asked = arguments(__doc__ or "", files="videos")
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        frames = root / "frames"
        sizes = (30, (96, 64)) if asked.quick else (300, (340, 256))
        for path in asked.videos or made_up(root / "videos", *sizes):
            (root / "list.txt").write_text(f"{path.name}\n")
            extract_frames(open_listing(root / "list.txt", root=path.parent), frames, FrameFiles())
        names = sorted(path.name for path in frames.iterdir() if path.is_dir())
        rows = [
            compared(frames / name, root / "work" / way / name, asked.rounds, way)
            for name in names
            for way in (["numba", "NumPy"] if compiled_median() else ["NumPy"])
        ]
    record("backgrounds", rows, quick=asked.quick)


def compared(frames: Path, work: Path, rounds: int, way: str) -> Row:
    """Return the row of one frame folder, with medians found by numba or by NumPy; `work` is a folder of its own."""
    alone, long = repeated(work / "alone", frames, 1), repeated(work / "long", frames, LONG)
    video = open_listing(alone).video(0)
    stack = [*video.stream(np.arange(len(video)))]
    assert np.array_equal(ours_step(stack, way), official_median(stack)), "not the official median"
    ours = partial(ours_job, way=way)
    results = (work / f"ours-{number}" for number in itertools.count())
    times = take_turns(
        {
            "their step": lambda: official_median(stack),
            "step": lambda: ours_step(stack, way),
            "their job": lambda: official_job(alone / "v", work / "official.jpg"),
            "job": lambda: ours_job(alone, next(results), way),
            "decode": lambda: decoded(video),
        },
        rounds,
    )
    return Row(
        path=f"temporal-median background, {frames.name}, {len(stack)} frames, by {way}",
        peer="the official job",
        ratio=times.ratio("their job", "job", cpu_only=True),
        reach=4,
        floor="decode only",
        share=times.ratio("decode", "job", cpu_only=True)[0],
        share_reach=0.75,
        figures={
            "kB of a frame": round(sum(file.stat().st_size for file in frames.glob("*.jpg")) / len(stack) / 1000, 1),
            "times as fast, median step alone": round(times.ratio("their step", "step")[0], 1),
            "s CPU, official job": round(times.cpu_seconds("their job"), 3),
            "s CPU, our job": round(times.cpu_seconds("job"), 3),
            "s CPU, decoding": round(times.cpu_seconds("decode"), 3),
            "s CPU, our median step": round(times.cpu_seconds("step"), 3),
            "MB at its peak, official job": round(peak(official_on, alone, work / "peak.jpg")),
            "MB at its peak, our job": round(peak(ours, alone, work / "peak")),
            f"MB at its peak, our job on {LONG} times the frames": round(peak(ours, long, work / "peak-long")),
        },
        note=NOTES[way],
    )


def official_on(folder: Path, out: Path) -> None:
    """Make the background of the one video below `folder` as the release does."""
    official_job(folder / "v", out)


if __name__ == "__main__":
    main()
