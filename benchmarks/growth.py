"""Shows what grows with the data and what does not: `python benchmarks/growth.py`.

Lists of 10,000, 100,000 and 1,000,000 videos lead, each under a name of its own, to a few real frame folders, so that
every sample is a real one: what a step costs must not depend on the length of the list. Each has a background of its
own name, too; to link a million takes 20 seconds. And the time of a sample must be a straight line in the frames it
holds, for clips of 8 to 64 frames and 1 to 8 views.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch
from sample import made_up
from turns import Row, Times, arguments, record, take_turns

from glad.augment import Mix, Spatial
from glad.backbones.tiny import TinyConfig
from glad.data.domain import Domain
from glad.data.listing import open_listing
from glad.data.loader import Steps, training_batches
from glad.inputs import training_steps
from glad.methods.base import Needs
from glad.methods.glad import GladConfig
from glad.process import keep_memory
from glad.recipe import Pair, Recipe, Videos
from glad.sampling import Segments

SIZES = (10_000, 100_000, 1_000_000)
CLASSES = tuple(f"class {k}" for k in range(400))
BATCH = 8
EACH = 1000  # videos in a folder


def lists(folder: Path, sizes: Sequence[int], picture: tuple[int, int], videos: int = 8, frames: int = 72) -> None:
    """Write a list of each size into `folder`, of videos that all have names of their own, as long as real ones are.

    Frames are those of a few real folders. Every video has a background of its own name in a real folder of 1000, since
    those are looked for on opening: a hard link to one of a few.
    """
    made_up(folder, videos, frames, picture)
    inner = [f"a_video_{k:08d}_000010_000020" for k in range(min(EACH, max(sizes)))]
    (folder / "frames_each").mkdir()
    (folder / "frames_long").mkdir()
    for k, name in enumerate(inner):
        (folder / "frames_each" / name).symlink_to(folder / "frames" / f"{k % videos:03d}")
    outer = [f"videos_{k:04d}" for k in range(-(-max(sizes) // EACH))]
    for number, name in enumerate(outer):
        (folder / "frames_long" / name).symlink_to(folder / "frames_each")
        linked(folder, name, number, inner, videos)
    for size in sizes:
        rows = (f"{outer[k // EACH]}/{inner[k % EACH]} {frames} {k % len(CLASSES)}\n" for k in range(size))
        (folder / f"{size}.txt").write_text("".join(rows))


def linked(folder: Path, outer: str, number: int, inner: Sequence[str], videos: int) -> None:
    """Give the videos of one folder, the `number`th, backgrounds; a file of its own is behind every 1000 / 8 names.

    File systems allow some ten thousand names for a file.
    """
    place = folder / "backgrounds_long" / outer
    place.mkdir(parents=True)
    for k in range(videos):
        shutil.copy(folder / "backgrounds" / f"{k:03d}.jpg", place / f"{inner[k]}.jpg")
    for k in range(videos, len(inner)):
        os.link(place / f"{inner[k % videos]}.jpg", place / f"{inner[k]}.jpg")


def recipe_of(folder: Path, size: int) -> Recipe:
    """Return GLAD on the lists of a size, with a tiny network, since it is the data that is looked at."""
    videos = Videos(list=folder / f"{size}.txt", root=folder / "frames_long")
    pair = Pair(classes=CLASSES, source=videos, target=videos, test=videos, backgrounds=folder / "backgrounds_long")
    return Recipe(
        name=f"growth-{size}",
        data=pair,
        mix=Mix(),
        backbone=TinyConfig(),
        method=GladConfig(),
        batch_size=BATCH,
        steps=10,
    )


def opened(folder: Path, size: int) -> Steps:
    """Return the training steps on a list of so many rows."""
    return training_steps(recipe_of(folder, size), CLASSES, Needs(target=True), 0, 1)


def main() -> None:
    given = arguments(__doc__ or "")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sizes, picture = ((400, 800, 1600), (68, 52)) if given.quick else (SIZES, (340, 256))
    with tempfile.TemporaryDirectory() as name:
        lists(Path(name), sizes, picture)
        rows = longer_lists(Path(name), sizes, given.rounds)
        rows.append(longer_clips(Path(name), given.rounds, picture))
        record("growth", rows, quick=given.quick)


def longer_lists(folder: Path, sizes: Sequence[int], rounds: int) -> list[Row]:
    """Return how reading, beginning and sampling go with lists of all sizes."""
    names = [f"{size:,}" for size in sizes]
    reading = take_turns({name: partial(opened, folder, size) for name, size in zip(names, sizes, strict=True)}, rounds)
    found = {name: opened(folder, size) for name, size in zip(names, sizes, strict=True)}
    places = count()
    beginning = take_turns({name: partial(first_batch, steps) for name, steps in found.items()}, rounds)
    few, some, many = names
    jobs = {name: partial(some_steps, steps, places) for name, steps in found.items()}
    # Two at a time: a process keeps the order of videos of four passes, and two lists are of two domains each.
    between = take_turns({few: jobs[few], some: jobs[some]}, rounds)
    sampling = take_turns({few: jobs[few], many: jobs[many]}, rounds)
    each = {few: sampling.seconds(few), some: between.seconds(some), many: sampling.seconds(many)}
    return [
        Row(
            f"a sample, of a list of {many} rows",
            f"the same of {few} rows",
            sampling.ratio(few, many),
            reach=0.9,
            figures={f"samples/s, {name} rows": 2 * 2 * BATCH / seconds for name, seconds in each.items()},
            note=f"In one process; {some} rows against {few}: {between.ratio(few, some)[0]:.2f}x.",
        ),
        Row(
            f"from a list of {many} rows that is read to the first batch",
            f"the same with {few} rows",
            wall_ratio(beginning, few, many),
            reach=0.9,
            figures={f"s, {name} rows": beginning.seconds(name) for name in names},
            note=f"Two loader processes are started, each orders all videos, and {2 * BATCH} videos are loaded.",
        ),
        Row(
            f"reading two lists of {many} rows",
            figures={f"s, {name} rows": reading.seconds(name) for name in names},
            note="Both domains, every row checked, and the background of every source video looked for.",
        ),
    ]


def wall_ratio(times: Times, over: str, under: str) -> tuple[float, float, float]:
    """Return the ratio by wall time alone: CPU time of loader processes that are stopped early depends on when."""
    each = sorted(a / b for a, b in zip(times.wall[over], times.wall[under], strict=True))
    return median(each), each[0], each[-1]


def first_batch(steps: Steps) -> None:
    """Start two loader processes, take one batch, and end them."""
    batches = training_batches(steps, 0, 1, workers=2, pin=False)
    next(batches)
    for _ in batches:
        pass


def some_steps(steps: Steps, places: Iterator[int]) -> None:
    """Make two batches that were not made before."""
    for _ in range(2):
        steps[next(places) % steps.plan.steps_per_epoch]


def longer_clips(folder: Path, rounds: int, picture: tuple[int, int]) -> Row:
    """Return how straight the line is that time makes over frames."""
    made_up(folder / "long", 1, 512, picture)
    listing = open_listing(folder / "long" / "list.txt", labelled=True, root=folder / "long" / "frames")
    keep_memory()  # as loader processes do, which are born of a training process
    counts = {(views, length): views * length for views in (1, 2, 4, 8) for length in (8, 16, 32, 64)}

    def job(views: int, length: int) -> Callable[[], object]:
        sampler = Segments(length=length, interval=1, global_views=0, local_views=views, locals_are="adjacent")
        domain = Domain(listing, sampler, Spatial())
        numbers = count()
        return lambda: [domain.sample(0, (0, next(numbers))) for _ in range(max(1, 128 // (views * length)))]

    jobs: Mapping[str, Callable[[], object]] = {f"{v}x{t}": job(v, t) for v, t in counts}
    times = take_turns(jobs, rounds)
    each = {
        name: times.cpu_seconds(name) / max(1, 128 // frames)
        for name, frames in zip(jobs, counts.values(), strict=True)
    }
    frames, seconds = np.array(list(counts.values()), float), np.array(list(each.values()))
    # Weighed by 1 / frames, so that short clips count as much as long ones.
    slope, start = np.polyfit(frames, seconds, 1, w=1 / frames)
    line = start + slope * frames
    apart = np.abs(seconds / line - 1)
    straight = 1 - ((seconds - line) ** 2).sum() / ((seconds - seconds.mean()) ** 2).sum()
    return Row(
        "the time of a sample, clips of 8 to 64 frames and 1 to 8 views",
        figures={
            "ms for each frame": 1000 * slope,
            "ms for each sample": 1000 * start,
            "R²": straight,
            "largest distance from the line, %": 100 * apart.max(),
            "there": list(each)[int(apart.argmax())],
            **{f"ms, {name}": 1000 * each[name] for name in ("1x8", "1x64", "8x8", "8x64")},
        },
        note="A straight line is fitted to the CPU time of 16 kinds of samples, of 8 to 512 distinct frames.",
    )


if __name__ == "__main__":
    main()
