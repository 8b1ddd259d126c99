"""Makes the miniature benchmark: videos of twelve actions in two very different worlds, with their lists.

Source: people in textured rooms that mostly betray the action, long videos, the action somewhere inside. Target: a
grey body on a checkerboard, from half a second to many seconds. The folder looks like the real data does.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import simplejpeg

from glad.data.pool import results
from glad.errors import UserError
from glad.files import write_text, writing
from glad.mini.folder import begun, sign
from glad.mini.motion import ACTIONS, OTHERS, Curves, Motion, performed
from glad.mini.picture import CANVAS, GROUND, MARGIN, Look, checkerboard, clothed, drawn, grey_body, room, shake
from glad.mini.skeleton import body, joint_places, seen_from
from glad.progress import progress

VERSION = 3
"""Raised whenever the same seed would give other pictures or lists."""
FPS = 30
CLASSES = tuple(ACTIONS)


@dataclass(frozen=True)
class Sizes:
    """Videos per class."""

    source_train: int = 30
    source_val: int = 8
    target_train: int = 20
    target_test: int = 50
    init_train: int = 36
    init_val: int = 8


@dataclass(frozen=True)
class World:
    """What the source is like.

    Attributes:
        scene_types: how many kinds of scene there are.
        own_scenes: how many of them belong to a class.
        bias: share of the videos that play in a scene of their class; the others play anywhere.
        contrast: of the scenes, 1 being that of the colours they were painted with.
        shake: spread of the hand-held camera, in half pixels.
        passers_by: share of the videos through which a ball rolls.
        filled: least and largest share of a video that its action takes up.
    """

    scene_types: int = 24
    own_scenes: int = 1
    bias: float = 0.95
    contrast: float = 0.5
    shake: float = 1.2
    passers_by: float = 0.3
    filled: tuple[float, float] = (0.65, 0.95)


SOURCE = World()
INIT = World(scene_types=200, bias=0.0)


@dataclass(frozen=True)
class Job:
    """One video to make: where, and the actions in it with their lengths in frames."""

    path: str
    """Below the frame folder, e.g. `source/jump/0003` or `target/test/00017`."""
    segments: tuple[tuple[int, int, int], ...]
    """Class, offset, frames."""
    frames: int
    address: tuple[int, ...]
    """The seed of everything random in it."""
    first: int
    """The number of the first frame file."""


def make_mini(root: Path, seed: int = 0, workers: int = 2, videos: bool = True) -> None:
    """Make the benchmark under `root`, or return at once when it is there with this seed and version.

    Frames lie under `source/<class>/<id>/img_00000.jpg` (numbered from 0) and `target/{train,test}/<id>/
    img_00001.jpg` (from 1); videos under `videos/`; lists beside them. `target_train_labels.txt` is for upper bounds
    alone. `mini.json` says so once all is there. Two worker processes need about half a minute.
    """
    _make(root, seed, workers, videos, Sizes())


def make_init_videos(root: Path, seed: int, workers: int) -> None:
    """Make source-style videos of sixteen other motions under `root`, with `init_train.txt` and `init_val.txt`.

    They play the part of the large labelled dataset that real backbones were trained on first: other actions, the
    same kind of pictures; each video is in a random one of 200 scenes, which tell nothing of the action.
    """
    _make_init(root, seed, workers, Sizes())


def _make(root: Path, seed: int, workers: int, videos: bool, sizes: Sizes) -> None:
    about = {"name": "mini", "version": VERSION, "seed": seed, "videos": videos, "sizes": vars(sizes)}
    with begun(root, about) as needed:
        if needed:
            _make_all(root, about, seed, workers, videos, sizes)


def _make_all(root: Path, about: dict, seed: int, workers: int, videos: bool, sizes: Sizes) -> None:
    source = list(source_jobs(seed, sizes))
    target = list(target_jobs(seed, sizes))
    _run([*source, *target], root, "actions", videos, workers, "making the miniature")
    train = [job for job in source if int(Path(job.path).name) < sizes.source_train]
    val = [job for job in source if int(Path(job.path).name) >= sizes.source_train]
    for folder, suffix in ((root, ""), *([(root / "videos", ".mp4")] if videos else [])):
        write_text(folder / "source_train.txt", source_rows(train, suffix))
        write_text(folder / "source_val.txt", source_rows(val, suffix))
        for split in ("train", "test"):
            jobs = [job for job in target if job.path.startswith(f"target/{split}/")]
            name = "target_test" if split == "test" else "target_train_labels"
            write_text(folder / f"{name}.txt", target_rows(jobs, suffix, labelled=True))
            if split == "train":
                write_text(folder / "target_train.txt", target_rows(jobs, suffix, labelled=False))
    write_text(root / "classes.txt", "".join(f"{index} {name}\n" for index, name in enumerate(CLASSES)))
    sign(root, about | counts([*source, *target]))


def _make_init(root: Path, seed: int, workers: int, sizes: Sizes) -> None:
    about = {"name": "mini-init", "version": VERSION, "seed": seed, "sizes": vars(sizes)}
    with begun(root, about) as needed:
        if needed:
            _make_all_init(root, about, seed, workers, sizes)


def _make_all_init(root: Path, about: dict, seed: int, workers: int, sizes: Sizes) -> None:
    jobs = list(init_jobs(seed, sizes))
    _run(jobs, root, "others", False, workers, "making videos for the initial weights")
    train = [job for job in jobs if int(Path(job.path).name) < sizes.init_train]
    val = [job for job in jobs if int(Path(job.path).name) >= sizes.init_train]
    write_text(root / "init_train.txt", source_rows(train, ""))
    write_text(root / "init_val.txt", source_rows(val, ""))
    write_text(root / "classes.txt", "".join(f"{index} {name}\n" for index, name in enumerate(OTHERS)))
    sign(root, about | counts(jobs))


# what to make -------------------------------------------------------------------------------------------------------


def source_jobs(seed: int, sizes: Sizes) -> Iterator[Job]:
    """Yield one job per source video: 160 to 300 frames, the action in a part of them."""
    for label, name in enumerate(CLASSES):
        for index in range(sizes.source_train + sizes.source_val):
            frames = int(np.random.default_rng([seed, 10, label, index]).integers(160, 301))
            address = (seed, 11, label, index)
            yield Job(f"source/{name}/{index:04d}", ((label, 0, frames),), frames, address, 0)


def init_jobs(seed: int, sizes: Sizes) -> Iterator[Job]:
    """Yield one job per video of the other motions, as `source_jobs` does."""
    for label, name in enumerate(OTHERS):
        for index in range(sizes.init_train + sizes.init_val):
            frames = int(np.random.default_rng([seed, 20, label, index]).integers(160, 301))
            address = (seed, 21, label, index)
            yield Job(f"source/{name}/{index:04d}", ((label, 0, frames),), frames, address, 0)


def target_jobs(seed: int, sizes: Sizes) -> Iterator[Job]:
    """Yield one job per target sequence; every eighth holds two actions, one after the other.

    An action lasts 15 to 400 frames: log-normal, median 54, as uneven as the real one. Numbers tell nothing of the
    class.
    """
    for domain, (split, each) in enumerate((("train", sizes.target_train), ("test", sizes.target_test))):
        rng = np.random.default_rng([seed, 30 + domain])
        labels = rng.permutation(np.repeat(np.arange(len(CLASSES)), each)).tolist()
        lengths = np.clip(np.rint(54 * np.exp(rng.normal(0, 0.75, len(labels)))), 15, 400).astype(int).tolist()
        number = 0
        while labels:
            segments, end = [], 0
            for _ in range(2 if number % 8 == 3 and len(labels) > 1 else 1):
                offset = end + (int(rng.integers(4, 12)) if segments else 0)
                segments.append((labels.pop(), offset, lengths.pop()))
                end = offset + segments[-1][2]
            yield Job(f"target/{split}/{number:05d}", tuple(segments), end, (seed, 40 + domain, number), 1)
            number += 1


def counts(jobs: Sequence[Job]) -> dict[str, int]:
    """Return how much is made."""
    return {"videos_made": len(jobs), "frames_made": sum(job.frames for job in jobs)}


def source_rows(jobs: Iterable[Job], suffix: str) -> str:
    """Return the list of `jobs` in the released Kinetics format: `<class>/<id> frames label`."""
    return "".join(f"{job.path.removeprefix('source/')}{suffix} {job.frames} {job.segments[0][0]}\n" for job in jobs)


def target_rows(jobs: Iterable[Job], suffix: str, labelled: bool) -> str:
    """Return the list of `jobs` in the released BABEL format: `<split>/<id> offset frames label`, or without label."""
    return "".join(
        f"{job.path.removeprefix('target/')}{suffix} {offset} {frames}{f' {label}' if labelled else ''}\n"
        for job in jobs
        for label, offset, frames in job.segments
    )


# how it is made -----------------------------------------------------------------------------------------------------


def timing(
    motion: Motion, frames: int, filled: float, speed: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return phase and weight, each `(frames,)`: when the motion happens, and how far the person is into it.

    The motion fills the share `filled` of the frames; before and after, the person stands. A gesture that would not
    fit is done faster, and is repeated when there is room for more than one.
    """
    active = max(round(filled * frames), min(frames, 12))
    start = int(rng.integers(0, frames - active + 1))
    inside = np.arange(frames) - start
    period = motion.seconds * FPS / speed
    if motion.gesture:
        times = max(1, round(active / period))
        turns = np.clip(inside / active, 0, 1) * times
        phase = np.where(turns >= times, 1.0, turns % 1.0)
        return phase, np.ones(frames)
    ramp = 8 if filled < 1 else 1
    weight = np.clip(np.minimum(inside + 1, active - inside) / ramp, 0, 1)
    return rng.uniform() + inside / period, weight * weight * (3 - 2 * weight)


def source_frames(motion: Motion, label: int, frames: int, world: World, rng: np.random.Generator) -> np.ndarray:
    """Return one source video `(frames, 64, 64, 3)`."""
    own = label * world.own_scenes + int(rng.integers(world.own_scenes))
    scene = own if rng.uniform() < world.bias else int(rng.integers(world.scene_types))
    phase, weight = timing(motion, frames, rng.uniform(*world.filled), rng.uniform(0.55, 0.9), rng)
    camera = shake(frames, world.shake, rng)
    way = None
    if rng.uniform() < world.passers_by:
        start, stop = rng.uniform(0, CANVAS, 2) + MARGIN, rng.uniform(0, CANVAS, 2) + MARGIN
        way = np.rint(start + np.linspace(0, 1, frames)[:, None] * (stop - start)).astype(int)
    background = room(scene, rng, world.contrast)
    look = clothed(rng)
    return _filmed([performed(motion, phase, weight, rng)], [motion], look, background, camera, rng, way)


def target_frames(segments: tuple[tuple[int, int, int], ...], frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return one target sequence `(frames, 64, 64, 3)`; between two actions the body goes from one to the other."""
    done, motions, end = [], [], 0
    for label, offset, length in segments:
        motion = ACTIONS[CLASSES[label]]
        phase, weight = timing(motion, length, 1.0, rng.uniform(0.8, 1.25), rng)
        curves = performed(motion, phase, weight, rng)
        if done:
            done.append(_between(done[-1], curves, offset - end))
            motions.append(motion)
        done.append(curves)
        motions.append(motion)
        end = offset + length
    return _filmed(done, motions, grey_body(rng), checkerboard(), np.zeros((frames, 2), int), rng, None)


def _filmed(
    parts: list[Curves],
    motions: list[Motion],
    look: Look,
    background: np.ndarray,
    camera: np.ndarray,
    rng: np.random.Generator,
    way: np.ndarray | None,
) -> np.ndarray:
    """Return the frames of one person who performs `parts` one after the other, seen from one chosen side."""
    person = body(rng)
    joints = [joint_places(curves, person, motion.anchor) for curves, motion in zip(parts, motions, strict=True)]
    places = np.concatenate(joints)
    if rng.uniform() < 0.5:
        places = places * (1.0, 1.0, -1.0)
    seen = seen_from(places, rng.uniform(-100, 100), rng.uniform(0, 15))
    scale = rng.uniform(0.9, 1.08) * 0.39 * CANVAS
    place = CANVAS * (0.5 + rng.normal(0, 0.035)), CANVAS * (GROUND + rng.normal(0, 0.012))
    return drawn(seen, look, background, place, scale, camera, way)


def _between(before: Curves, after: Curves, frames: int) -> Curves:
    part = np.arange(1, frames + 1) / (frames + 1)
    return {name: before[name][-1] + part * (after[name][0] - before[name][-1]) for name in before}


def _produce(job: Job, root: Path, world: str, videos: bool) -> None:
    """Write one video; its folder of frames comes last and whole."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(job.address)
    if job.path.startswith("target/"):
        frames = target_frames(job.segments, job.frames, rng)
    else:
        label = job.segments[0][0]
        motions, settings = (ACTIONS, SOURCE) if world == "actions" else (OTHERS, INIT)
        frames = source_frames(list(motions.values())[label], label, job.frames, settings, rng)
    if videos:
        movie = root / "videos" / f"{job.path}.mp4"
        part = movie.with_name(f".{movie.name}")
        write_video(part, frames)
        part.replace(movie)
    folder = root / job.path
    part = folder.with_name(f".{folder.name}")
    if part.exists():  # what a worker that was killed has left
        shutil.rmtree(part)
    part.mkdir(parents=True)
    for number, frame in enumerate(frames, start=job.first):
        coded = simplejpeg.encode_jpeg(frame, quality=92, colorspace="RGB", colorsubsampling="444")
        (part / f"img_{number:05d}.jpg").write_bytes(coded)
    part.rename(folder)


def write_video(path: Path, frames: np.ndarray) -> None:
    """Write frames `(t, h, w, 3)` as H.264 at 30 frames per second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"preset": "ultrafast", "crf": "18", "g": "30", "bf": "0", "threads": "1"}
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        stream.time_base = Fraction(1, FPS)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts = number
            file.mux(stream.encode(picture))
        file.mux(stream.encode())


def _run(jobs: list[Job], root: Path, world: str, videos: bool, workers: int, title: str) -> None:
    """Write the videos of `jobs` that are not there yet."""
    missing = [job for job in jobs if not (root / job.path).exists()]
    make = partial(_produce, root=root, world=world, videos=videos)
    with writing(root), progress(title, len(jobs), "videos", done=len(jobs) - len(missing)) as bar:
        for job, died in results(make, missing, workers if workers > 1 else 0):
            if died is not None:
                raise UserError(f"the process that made {job.path} was killed, probably for lack of memory; run again")
            bar.advance()
