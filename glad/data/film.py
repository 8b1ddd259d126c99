"""Frames to an MP4 file that any player shows."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.codec import Codec
from av.codec.codec import UnknownCodecError
from av.container import open as open_container
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from glad.data.blame import reason
from glad.errors import UserError
from glad.files import atomic

TICK = Fraction(1, 90_000)  # seconds; the usual frame rates are whole numbers of it
BT709 = 1  # by its number in H.264: matrix, primaries and transfer alike
QUALITY = "20"  # constant rate factor: no loss that one sees


def write_film(path: Path, frames: Iterable[NDArray[np.uint8]], seconds: NDArray[np.float64]) -> None:
    """Write `frames` (h, w, 3) uint8, RGB, as H.264 in `path`, an .mp4, atomically and without sound.

    Frame i is shown from `seconds[i]` until `seconds[i + 1]`. An odd width or height gets one more row or column, the
    last one again, since the format knows even ones alone.
    """
    try:
        Codec("libx264", "w")
    except UnknownCodecError:
        raise UserError(
            "this installation of PyAV cannot write H.264 (libx264); install it from pip: pip install av"
        ) from None
    ticks = np.rint(seconds / float(TICK)).astype(np.int64)
    rate = Fraction(float(len(seconds) - 1) / float(seconds[-1])).limit_denominator(1001)
    with atomic(path) as temporary:
        try:
            with open_container(str(temporary), "w", options={"movflags": "+faststart"}) as file:
                stream = file.add_stream("libx264", rate=rate, options={"crf": QUALITY, "preset": "veryfast"})
                assert isinstance(stream, VideoStream)
                _encode(file.mux, stream, frames, ticks)
        except FFmpegError as problem:
            raise UserError(f"{path} cannot be encoded: {reason(problem)}") from None


def _encode(mux, stream: VideoStream, frames: Iterable[NDArray[np.uint8]], ticks: NDArray[np.int64]) -> None:
    reformatter = VideoReformatter()
    for index, pixels in enumerate(frames):
        pixels = np.pad(pixels, ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0)), "edge")
        if index == 0:
            stream.height, stream.width = pixels.shape[:2]
            stream.pix_fmt = "yuv420p"
            context = stream.codec_context
            context.time_base = TICK
            context.color_primaries = context.color_trc = context.colorspace = BT709
            context.color_range = ColorRange.MPEG
        frame = reformatter.reformat(
            VideoFrame.from_ndarray(pixels, "rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pts, frame.time_base = int(ticks[index]), TICK
        frame.duration = int(ticks[index + 1] - ticks[index])
        mux(stream.encode(frame))
    mux(stream.encode(None))
