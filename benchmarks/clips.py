"""Times the frames of one GLAD sample out of an MP4 against other decoders: `python benchmarks/clips.py VIDEO ...`.

A sample is 22 frames of 250 or so, at the places the release sampler draws. Each decoder opens the file anew for every
sample, as a training set of many videos makes it, and decodes with one thread; ours makes its index anew too, unless
said otherwise. What is right is said by PyAV decoding the whole file in order, to rgb24. Ours has to equal it to the
bit; of the others the largest difference is told. Where no VIDEO is given, one is made up and encoded by libx264 with a
key frame every 1, 12, 32 and 250 frames, and once with uneven times.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from av.video.stream import VideoStream
from turns import Row, Times, arguments, record, take_turns

from glad.data.movie import MovieFile, frame_count
from glad.sampling import Grid

SAMPLES = 3  # drawn from each video
DECODE = "decode"
COMMAND = "ffmpeg"

Decoder = Callable[[Path, np.ndarray], np.ndarray]  # a file and ascending indices in, uint8 (t, h, w, 3) out


def ours(path: Path, indices: np.ndarray) -> np.ndarray:
    """Return the frames as a sample gets them from a file which this process has not read before."""
    path.touch()  # so that what is remembered of the file no longer counts
    return MovieFile(path).frames(indices)


def ours_again(path: Path, indices: np.ndarray) -> np.ndarray:
    """Return the frames as a sample gets them from a file whose index is remembered."""
    return MovieFile(path).frames(indices)


def sequential(path: Path, indices: np.ndarray) -> np.ndarray:
    """Return the frames by decoding in order up to the last of them."""
    wanted, found = set(indices.tolist()), []
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        assert isinstance(stream, VideoStream)
        stream.codec_context.thread_count = 1
        for place, frame in enumerate(container.decode(stream)):
            if place in wanted:
                found.append(frame.to_ndarray(format="rgb24"))
            if len(found) == len(wanted):
                break
    return np.stack(found)


def peers() -> tuple[dict[str, Decoder], list[str]]:
    """Return the decoders that import here, by name, and the names of those that do not."""
    found: dict[str, Decoder] = {"PyAV in order": sequential}
    absent = []
    for name, module, made in (
        ("torchcodec exact", "torchcodec.decoders", with_torchcodec),
        ("decord2", "decord", with_decord),
    ):
        try:
            found[name] = made(import_module(module))
        except Exception:  # without the libraries of FFmpeg it is not only an ImportError
            absent.append(name)
    return found, absent


def with_torchcodec(module: Any) -> Decoder:
    """Return the decoder of torchcodec that finds frames by a scan of the file, as it does unless told otherwise."""

    def frames(path: Path, indices: np.ndarray) -> np.ndarray:
        decoder = module.VideoDecoder(str(path), num_ffmpeg_threads=1, dimension_order="NHWC", seek_mode="exact")
        return decoder.get_frames_at(indices.tolist()).data.numpy()

    return frames


def with_decord(module: Any) -> Decoder:
    """Return the decoder of decord2."""
    return lambda path, indices: module.VideoReader(str(path), num_threads=1).get_batch(indices.tolist()).asnumpy()


def decoded(path: Path) -> None:
    """Decode everything with one thread and convert nothing."""
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        assert isinstance(stream, VideoStream)
        stream.codec_context.thread_count = 1
        for _ in container.decode(stream):
            pass


def decoded_by_command(path: Path) -> None:
    """Decode everything by the ffmpeg command with one thread, and convert nothing."""
    quiet = ["ffmpeg", "-nostdin", "-v", "quiet", "-threads", "1"]
    subprocess.run([*quiet, "-i", str(path), "-fps_mode", "passthrough", "-f", "null", "-"], check=True)


def made_up(count: int, size: tuple[int, int], moves: float = 1) -> Iterator[np.ndarray]:
    """Yield RGB frames (h, w, 3): a scene, a thing that crosses it, noise; the camera `moves` or, at 0, rests."""
    width, height = size
    rng = np.random.default_rng(0)
    scene = np.full((height + 64, width + 64, 3), 128, np.float32)
    for cell in (3, 8, 16, 32, 64):
        coarse = rng.normal(0, 6 * cell**0.35, (scene.shape[0] // cell + 1, scene.shape[1] // cell + 1, 3))
        scene += cv2.resize(coarse.astype(np.float32), scene.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    thing = scene[: height // 2, : width // 4][::-1].copy()
    for index in range(count):
        left, top = int(32 + moves * 24 * np.sin(index / 40)), int(32 + moves * 12 * np.cos(index / 29))
        frame = scene[top : top + height, left : left + width].copy()
        place = int((width - thing.shape[1]) * (0.5 + 0.5 * np.sin(index / 17)))
        frame[height // 4 : height // 4 + thing.shape[0], place : place + thing.shape[1]] = thing
        frame += rng.normal(0, 2, frame.shape).astype(np.float32)
        yield np.clip(frame, 0, 255).astype(np.uint8)


def write(path: Path, frames: Sequence[np.ndarray], gop: int, times: np.ndarray | None = None) -> Path:
    """Write an H.264 file (crf 23) with a key frame every `gop` frames; `times` are in ms, by default 25 a second."""
    base = Fraction(1, 25) if times is None else Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        keys = f"keyint={gop}:min-keyint={gop}:scenecut=0"
        stream = container.add_stream("libx264", rate=25, options={"crf": "23", "threads": "1", "x264-params": keys})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = base
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts = index if times is None else int(times[index])
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def main() -> None:
    asked = arguments(__doc__ or "", files="videos")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    found, absent = peers()
    with tempfile.TemporaryDirectory() as folder:
        videos = {path.name: Path(shutil.copy(path, folder)) for path in asked.videos}
        if not videos:
            count, size = (40, (128, 96)) if asked.quick else (250, (340, 256))
            frames = list(made_up(count, size))
            videos = {f"GOP {gop}": write(Path(folder) / f"{gop}.mp4", frames, gop) for gop in (1, 12, 32, 250)}
            times = np.cumsum(np.random.default_rng(0).choice([20, 33, 40, 80, 200], count))
            videos["GOP 12, variable rate"] = write(Path(folder) / "variable.mp4", frames, 12, times)
        rows = [compared(name, path, found, absent, asked.rounds) for name, path in videos.items()]
    record("clips", rows, quick=asked.quick)


def compared(name: str, path: Path, others: dict[str, Decoder], absent: list[str], rounds: int) -> Row:
    """Return the row of one video."""
    count = frame_count(path)
    samples = [np.unique(np.concatenate([v.ravel() for v in views.values()])) for views in draws(count)]
    right = sequential(path, np.arange(count))
    apart = {"ours": difference(ours, path, samples, right)}
    for key in [*others]:
        try:
            apart[key] = difference(others[key], path, samples, right)
        except Exception:
            absent = [*absent, f"{key} (it fails on this file)"]
    others = {key: decoder for key, decoder in others.items() if key in apart}
    assert apart["ours"] == 0, f"ours is {apart['ours']} levels off the full decode of {name}"
    variants: dict[str, Callable[[], object]] = {
        key: lambda decoder=decoder: [decoder(path, indices) for indices in samples]
        for key, decoder in {"ours": ours, "again": ours_again, **others}.items()
    }
    variants[DECODE] = lambda: [decoded(path) for _ in samples]
    if shutil.which("ffmpeg"):
        variants[COMMAND] = lambda: [decoded_by_command(path) for _ in samples]
    return row(name, path, take_turns(variants, rounds), apart, absent, len(samples))


def difference(decoder: Decoder, path: Path, samples: list[np.ndarray], right: np.ndarray) -> int:
    """Return by how many levels a decoder is off the right frames at most."""
    return int(max(np.abs(decoder(path, indices).astype(int) - right[indices]).max() for indices in samples))


def draws(count: int) -> list[dict[str, np.ndarray]]:
    """Return the views of the samples, of a video of `count` frames."""
    return [Grid().views(count, np.random.default_rng(seed)) for seed in range(SAMPLES)]


def row(name: str, path: Path, times: Times, apart: dict[str, int], absent: list[str], samples: int) -> Row:
    """Return what was measured."""
    others = {key: times.ratio(key, "ours") for key in apart if key != "ours"}
    best = min(others, key=lambda key: others[key][0])
    figures: dict[str, float | str] = {
        "ms CPU per sample": round(1000 * times.cpu_seconds("ours") / samples, 1),
        "ms CPU of a full decode": round(1000 * times.cpu_seconds(DECODE) / samples, 1),
        "MB of the file": round(path.stat().st_size / 1e6, 2),
        "times as fast once the index is remembered": round(times.ratio("ours", "again")[0], 2),
    }
    for key, ratio in others.items():
        equal = "equal" if not apart[key] else f"up to {apart[key]} levels off"
        figures[f"x of {key}"] = f"{ratio[0]:.2f}, {equal}"
    if COMMAND in times.wall:
        figures["ms CPU of a full decode by the ffmpeg command"] = round(1000 * times.cpu_seconds(COMMAND) / samples, 1)
    else:
        absent = [*absent, "the ffmpeg command"]
    return Row(
        path=f"clip from MP4, {name}",
        peer=f"{best}, the best of {len(others)}",
        ratio=others[best],
        reach=0.95,
        floor="full decode, one thread",
        share=times.ratio(DECODE, "ours")[0],
        figures=figures,
        note=f"Not measured, for want of: {', '.join(absent)}." if absent else "",
    )


if __name__ == "__main__":
    main()
