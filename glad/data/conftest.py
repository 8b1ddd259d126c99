"""Small videos and frame folders for the tests in this folder."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from glad.data.image import write_jpeg


@pytest.fixture(scope="session")
def make_movie() -> Callable[..., Path]:
    """A function that writes a video whose frame i is a plain grey of level 16 + 3 i, and returns its path."""
    return movie


@pytest.fixture(scope="session")
def make_folder() -> Callable[..., Path]:
    """A function that writes a frame folder whose frame i is a plain grey of level 16 + 3 i, and returns its path."""
    return folder


def movie(
    path: Path,
    *,
    count: int = 60,
    codec: str = "libx264",
    gop: int = 12,
    b_frames: int = 0,
    times: Sequence[int] | None = None,
    size: tuple[int, int] = (64, 48),
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    prepare: Callable[[VideoStream], None] | None = None,
    levels: Sequence[int] | None = None,
) -> Path:
    """Write the video; `times` are in ms, every 40 by default. The left column of pixels is black."""
    with av.open(str(path), "w", options=container or {}) as out:
        stream = out.add_stream(
            codec, rate=25, options={"threads": "1", "sc_threshold": "0", "b": "2000000"} | (options or {})
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = b_frames
        stream.codec_context.time_base = Fraction(1, 25) if times is None else Fraction(1, 1000)
        if prepare:
            prepare(stream)
        for index in range(count):
            level = 16 + 3 * index if levels is None else levels[index]
            picture = np.full((size[1], size[0], 3), level, np.uint8)
            picture[:, 0] = 0
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = index if times is None else times[index]
            frame.time_base = stream.codec_context.time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def folder(path: Path, *, count: int = 10, first: int = 1, size: tuple[int, int] = (16, 12)) -> Path:
    """Write `img_%05d.jpg` files of `size` (w, h)."""
    path.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        picture = np.full((size[1], size[0], 3), 16 + 3 * index, np.uint8)
        write_jpeg(path / f"img_{first + index:05d}.jpg", picture)
    return path
