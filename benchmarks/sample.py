"""Times one GLAD training sample, from frame files to clips, against the official order: `python benchmarks/sample.py`.

The official order is restated with the calls that it makes (methods of OpenCV, by way of mmcv): all 64 frames of the
8 x 8 grid are decoded, resized whole, cropped, resized, flipped, mixed and normalised in floating point; then the three
views are picked, which the release does inside its model. Ours decodes the 22 frames that the views hold and hands out
bytes. Both are given the same draws of frames, crop, flip and background, and it is asserted that they agree.

The floor is what no decoder of JPEG can leave out: undoing the entropy code of the 22 frames, measured with libjpeg's
`jpeg_read_coefficients` where there are a C compiler and libjpeg's header; files are then already in memory.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
import torch
from turns import Row, arguments, record, take_turns

from glad.augment import Mix, Spatial
from glad.data.background import BackgroundBank, background_path
from glad.data.domain import Debias, Domain, put
from glad.data.frames import FrameFolder
from glad.data.image import write_jpeg
from glad.data.listing import Listing, open_listing
from glad.sampling import Grid, clip_starts

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
CLIPS = LENGTH = 8  # the official grid
INTERVAL = 2
LOCAL, GLOBAL = [4, 5], 3  # rows and column of it
ALPHA = 0.75  # share of the frame where a background is mixed in
MEMORY = (
    "Ours fills memory that was taken once, as in training; the official order takes its memory anew for each sample."
)
ENTROPY = """
#include <stddef.h>
#include <stdio.h>
#include <jpeglib.h>
int entropy(const unsigned char *data, unsigned long size) {
    struct jpeg_decompress_struct image;
    struct jpeg_error_mgr errors;
    image.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&image);
    jpeg_mem_src(&image, (unsigned char *)data, size);
    jpeg_read_header(&image, TRUE);
    int done = jpeg_read_coefficients(&image) != NULL;
    jpeg_finish_decompress(&image);
    jpeg_destroy_decompress(&image);
    return done;
}
"""


def made_up(folder: Path, videos: int, frames: int, size: tuple[int, int]) -> Listing:
    """Write frame folders, about 25 KB a frame, of a textured scene that shakes behind a thing that crosses it, and
    a background for each; return their list."""
    width, height = size
    rng = np.random.default_rng(0)
    for video in range(videos):
        layers = [(cell, cv2.resize(rng.normal(size=(height // cell, width // cell, 3)), size)) for cell in (32, 8, 4)]
        scene = sum(cell * layer for cell, layer in layers) + 128.0
        path = folder / "frames" / f"{video:03d}"
        path.mkdir(parents=True)
        for index in range(frames):
            frame = np.roll(scene, rng.integers(-3, 4, 2), (0, 1))
            left = index * (width - width // 4) // frames
            frame[height // 4 : -height // 8, left : left + width // 4] = 200
            frame += rng.normal(0, 1.5, (height, width, 1))
            pixels = np.clip(frame, 0, 255).astype(np.uint8)
            content = simplejpeg.encode_jpeg(pixels, 95, colorsubsampling="420")
            (path / f"img_{index:05d}.jpg").write_bytes(content)
        write_jpeg(folder / "backgrounds" / f"{video:03d}.jpg", np.clip(scene, 0, 255).astype(np.uint8))
    list_file = folder / "list.txt"
    list_file.write_text("".join(f"{video:03d} {frames} {video}\n" for video in range(videos)))
    return open_listing(list_file, labelled=True, root=folder / "frames")


def source_domain(folder: Path, listing: Listing) -> Domain:
    """Return GLAD's source domain: the released crops, flips and mixing."""
    return Domain(listing, Grid(), Spatial(), Debias(Mix(), BackgroundBank(folder / "backgrounds", listing)))


@dataclass(frozen=True)
class Drawn:
    """What is drawn for one video: file of every frame of the grid, crop, flip, and the file of a background."""

    files: list[Path]
    box: tuple[int, int, int, int]
    flip: bool
    background: Path | None


def drawn(domain: Domain, index: int, address: tuple[int, ...], size: tuple[int, int]) -> Drawn:
    """Return what `domain` draws for a video of frames of `size`, for the official order to do the same."""
    rng = np.random.default_rng(address)
    video = domain.listing.video(index)
    assert isinstance(video, FrameFolder) and domain.debias is not None
    grid = clip_starts(len(video), CLIPS, LENGTH * INTERVAL, rng)[:, None] + INTERVAL * np.arange(LENGTH)
    files = [video.path / video.layout.name(int(frame)) for frame in grid.ravel() % len(video)]
    width, height = size
    look = domain.spatial.look(height, width, rng)
    mix = domain.debias.mix.draw(len(domain.debias.bank), rng)
    bank = domain.debias.bank
    background = None if mix is None else bank.folder / background_path(bank.listing[mix[0]])
    return Drawn(files, look.box, look.flip, background)


def official(draw: Drawn) -> torch.Tensor:
    """Return the 64 frames of a sample as the release's loader does: float (3, 64, 224, 224), in its order of work."""
    frames = [decoded(file) for file in draw.files]
    frames = [whole(frame) for frame in frames]
    left, top, width, height = draw.box
    frames = [frame[top : top + height, left : left + width] for frame in frames]
    frames = [cv2.resize(frame, (224, 224)) for frame in frames]
    if draw.flip:
        frames = [cv2.flip(frame, 1, dst=frame) for frame in frames]
    if draw.background is not None:
        background = whole(decoded(draw.background))
        top, left = ((side - 224) // 2 for side in background.shape[:2])
        share = background[top : top + 224, left : left + 224] * (1 - ALPHA)
        frames = [(frame.astype(np.float32) * ALPHA + share).astype(np.uint8) for frame in frames]
    stack = np.empty((len(frames), 224, 224, 3), np.float32)
    for place, frame in zip(stack, frames, strict=True):
        place[:] = frame
    for place in stack:
        cv2.subtract(place, MEAN.reshape(1, -1), place)
        cv2.multiply(place, 1 / STD.reshape(1, -1), place)
    return torch.from_numpy(np.ascontiguousarray(stack.transpose(3, 0, 1, 2)))


def decoded(file: Path) -> np.ndarray:
    """Return an image as mmcv decodes it."""
    image = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def whole(image: np.ndarray) -> np.ndarray:
    """Return a whole frame with its shorter side at 256, as mmcv resizes it: also where it is 256 already."""
    scale = 256 / min(image.shape[:2])
    return cv2.resize(image, (int(image.shape[1] * scale + 0.5), int(image.shape[0] * scale + 0.5)))


def picked(frames: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the views of the official 64 frames: `{view: (n, 3, 8, 224, 224)}`."""
    grid = frames.unflatten(1, (CLIPS, LENGTH))
    return {"global": grid[:, :, GLOBAL][None], "local": grid[:, LOCAL].transpose(0, 1)}


def apart(domain: Domain, index: int, address: tuple[int, ...], size: tuple[int, int]) -> int:
    """Return by how many levels a pixel of ours and of the official order differ at most."""
    views = domain.sample(index, address).views
    mean, std = (torch.tensor(values).reshape(3, 1, 1, 1) for values in (MEAN, STD))
    theirs = picked(official(drawn(domain, index, address, size)))
    return max(int(((theirs[name] * std + mean).round() - torch.from_numpy(views[name])).abs().max()) for name in views)


def entropy_decoder(folder: Path) -> Callable[[bytes], object] | None:
    """Return what undoes the entropy code of a JPEG and nothing else, or None without compiler, header or library."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = folder / "entropy.c", folder / "entropy.so"
    source.write_text(ENTROPY)
    command = [compiler, "-O2", "-shared", "-fPIC", source, "-o", library, "-ljpeg"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return None
    entropy = ctypes.CDLL(str(library)).entropy
    entropy.argtypes = [ctypes.c_char_p, ctypes.c_ulong]

    def undo(content: bytes) -> None:
        assert entropy(content, len(content))

    return undo


def measured(folder: Path, size: tuple[int, int], videos: int, frames: int, rounds: int) -> Row:
    """Return the row of frames of `size` (width, height)."""
    domain = source_domain(folder, made_up(folder, videos, frames, size))
    jobs = [(index % videos, (0, 0, 1, index)) for index in range(2 * videos)]
    draws = [drawn(domain, *job, size) for job in jobs]
    levels = max(apart(domain, *job, size) for job in jobs)
    assert levels <= 2, f"{levels} levels apart from the official order"

    # The parts of our work, each on what the part before it leaves.
    needed = [np.unique([*map(int, np.concatenate([*times.values()]).ravel())]) for times in times_of(domain, jobs)]
    streams = [[*domain.listing.video(index).stream(where)] for (index, _), where in zip(jobs, needed, strict=True)]
    contents = [contents_of(domain, index, where) for (index, _), where in zip(jobs, needed, strict=True)]
    looks = [domain._look(size[1], size[0], np.random.default_rng(address)) for _, address in jobs]
    # Where a sample is written: in training, too, memory that is used again and again (glad/data/shared.py).
    views = {name: np.empty(shape, np.uint8) for name, shape in domain.shapes().items()}
    picture = np.zeros((224, 224, 3), np.uint8)

    def decode() -> None:
        for (index, _), where in zip(jobs, needed, strict=True):
            for _frame in domain.listing.video(index).stream(where):
                pass

    def look() -> None:
        for at, stream in zip(looks, streams, strict=True):
            for frame in stream:
                at(frame[None])

    def place() -> None:
        for _ in jobs:
            for view in views.values():
                for clip, position in np.ndindex(len(view), LENGTH):
                    put(picture, view[clip, :, position])

    variants: dict[str, Callable[[], object]] = {
        "official": lambda: each(lambda draw: picked(official(draw)), draws),
        "ours": lambda: each(lambda job: domain.samples(*job, draws=1, places=[views]), jobs),
        "decode": decode,
        "look": look,
        "place": place,
    }
    entropy = entropy_decoder(folder)
    if entropy is not None:
        variants["floor"] = lambda: each(entropy, [content for frames in contents for content in frames])
    times = take_turns(variants, rounds)
    ours = times.cpu_seconds("ours")
    kilobytes = np.mean([len(content) for frames in contents for content in frames]) / 1024
    shares = {part: 100 * times.cpu_seconds(part) / ours for part in ("decode", "look", "place")}
    return Row(
        f"one GLAD training sample from {size[0]}x{size[1]} frames, one core",
        "the official order",
        times.ratio("official", "ours"),
        floor=f"entropy decode of the {round(np.mean([*map(len, needed)]))} frames",
        share=times.ratio("floor", "ours")[0] if entropy is not None else None,
        figures={
            "ms a sample (CPU)": 1000 * ours / len(jobs),
            "ms a sample (CPU) of the official order": 1000 * times.cpu_seconds("official") / len(jobs),
            "% of it in reading and decoding": shares["decode"],
            "% in resizing, flipping and mixing": shares["look"],
            "% in placing frames in clips": shares["place"],
            "% elsewhere": 100 - sum(shares.values()),
            "x of the official order by decoding the frames and doing nothing more": times.ratio("official", "decode")[
                0
            ],
            "KB a frame": float(kilobytes),
            "levels apart from the official order, at most": str(levels),
        },
        note="The floor was not measured: no C compiler, or no libjpeg to compile with. " + MEMORY
        if entropy is None
        else f"The official order takes {times.ratio('official', 'floor')[0]:.1f} times the floor on this machine, and "
        f"the floor comes to {100 * times.ratio('floor', 'decode')[0]:.0f} % of reading and decoding alone. " + MEMORY,
    )


def each(job: Callable[[Any], object], items: Sequence[Any]) -> None:
    """Do the job with every item, and keep nothing of it."""
    for item in items:
        job(item)


def times_of(domain: Domain, jobs: list[tuple[int, tuple[int, ...]]]) -> list[dict[str, np.ndarray]]:
    """Return the frames of every view of every sample."""
    return [domain.sampler.views(len(domain.listing.video(i)), np.random.default_rng(address)) for i, address in jobs]


def contents_of(domain: Domain, index: int, where: np.ndarray) -> list[bytes]:
    """Return the files of frames `where` of a video."""
    video = domain.listing.video(index)
    assert isinstance(video, FrameFolder)
    return [(video.path / video.layout.name(int(frame))).read_bytes() for frame in where]


def main() -> None:
    found = arguments(__doc__ or "")
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    videos, frames = (2, 64) if found.quick else (6, 250)
    rows: list[Row] = []
    for size in ((340, 256), (320, 240)):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measured(Path(folder), size, videos, frames, found.rounds))
    rows[0] = replace(rows[0], reach=7.0, share_reach=0.45)
    record("sample", rows, quick=found.quick)


if __name__ == "__main__":
    main()
