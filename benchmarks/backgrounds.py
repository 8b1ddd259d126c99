"""Times our temporal medians against the official job, side by side: `python benchmarks/backgrounds.py VIDEO ...`.

The official job (utils/extract_median_by_rawframes.py of the release) reads all frames of a frame folder into a list,
calls np.median(axis=0), casts to bytes and writes a JPEG. Here its parts are the same calls; imageio, which would be
one more dependency, is stood in for by an OpenCV JPEG of the same quality (75). Each VIDEO is first written as
a frame folder (short side 256), as the release expects, or as many made-up videos are used when none is given.

All variants take turns in every round, so that what else runs on the machine hits all alike. Printed are medians over
rounds of CPU seconds, and the median over rounds of each ratio.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from glad.data.background import extract_backgrounds
from glad.data.extract import FrameFiles, extract_frames
from glad.data.image import write_jpeg
from glad.data.listing import open_listing
from glad.data.median import temporal_median
from glad.data.video import Video


def official_median(frames: list[np.ndarray]) -> np.ndarray:
    """Return the median as the release computes it."""
    return np.median(np.stack(frames), axis=0).astype(np.uint8)


def official_job(folder: Path, out: Path) -> None:
    """Make one background as the release does: decode everything, take the median, write."""
    frames = [np.asarray(cv2.imread(str(path)))[:, :, ::-1] for path in sorted(folder.glob("*.jpg"))]
    cv2.imwrite(str(out), official_median(frames)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])


def decoded(video: Video) -> None:
    """Decode everything with our reader, and do nothing with it."""
    for _ in video.stream(np.arange(len(video))):
        pass


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds that `work` takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def made_up(folder: Path, frames: int = 300, size: tuple[int, int] = (340, 256)) -> None:
    """Write frame folders: a noisy scene with a large thing that moves through it; a hand-held one."""
    width, height = size
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.integers(0, 256, (height // 8, width // 8, 3), np.uint8), size)
    for name, shake in (("static", 0), ("shaken", 6)):
        for index in range(frames):
            frame = np.roll(scene, rng.integers(-shake, shake + 1, 2), (0, 1)).astype(np.int16)
            left = index * (width - 80) // frames
            frame[60:220, left : left + 80] = 200
            frame += rng.normal(0, 4, frame.shape).astype(np.int16)
            write_jpeg(folder / name / f"img_{index:05d}.jpg", np.clip(frame, 0, 255).astype(np.uint8))


def ours_job(folder: Path, out: Path) -> None:
    """Make the backgrounds of the one video below `folder` as `glad prepare backgrounds` does, in this process."""
    extract_backgrounds(open_listing(folder), folder, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        frames = root / "frames"
        if not arguments.videos:
            made_up(frames)
        for path in arguments.videos:
            (root / "list.txt").write_text(f"{path.name}\n")
            extract_frames(open_listing(root / "list.txt", root=path.parent), frames, FrameFiles())
        names = sorted(path.name for path in frames.iterdir() if path.is_dir())
        print(f"{'':28} {'':6}  median step, CPU s          whole job, CPU s")
        print(f"{'video':28} frames  official    ours       x   official    ours  decode       x")
        total = [compare(frames, name, root, arguments.rounds) for name in names]
    step, job, share = (median(values) for values in zip(*total, strict=True))
    print(f"median step {step:.1f}x, whole job {job:.1f}x; decoding is {100 * share:.0f} % of our job")


def compare(frames: Path, name: str, root: Path, rounds: int) -> tuple[float, float, float]:
    """Print the line of one video; return how much faster step and job are, and the share of decoding in the job."""
    alone = root / "alone" / name
    alone.mkdir(parents=True)
    (alone / "v").symlink_to(frames / name)
    video = open_listing(alone).video(0)
    stack = [*video.stream(np.arange(len(video)))]
    expected = official_median(stack)
    assert np.array_equal(temporal_median(np.stack(stack)), expected), "not the official median"
    times: dict[str, list[float]] = {key: [] for key in ("their step", "step", "their job", "job", "decode")}
    for number in range(rounds):
        work: dict[str, Callable[[], object]] = {
            "their step": lambda: official_median(stack),
            "step": lambda: temporal_median(stack),
            "their job": lambda: official_job(frames / name, root / "official.jpg"),
            "job": lambda number=number: ours_job(alone, root / "ours" / name / str(number)),
            "decode": lambda: decoded(video),
        }
        for key, job in work.items():
            times[key].append(seconds(job))
    step, job, share = (
        median(a / b for a, b in zip(times[over], times[under], strict=True))
        for over, under in (("their step", "step"), ("their job", "job"), ("decode", "job"))
    )
    a, b, c, d, e = (median(values) for values in times.values())
    print(
        f"{name[:28]:28} {len(stack):6} {a:9.3f} {b:7.3f} {step:6.1f}x  {c:9.3f} {d:7.3f} {e:7.3f} {job:6.1f}x  "
        f"decoding {100 * share:.0f} %"
    )
    return step, job, share


if __name__ == "__main__":
    main()
