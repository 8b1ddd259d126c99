"""A video with what a run says of it burnt in: a film to show to somebody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from glad.data.clock import clock
from glad.data.film import write_film
from glad.data.held import Source, video_of
from glad.letters import any_letters
from glad.predict import Prediction
from glad.progress import track
from glad.timeline import Timeline

ROWS = 3  # classes in the bar
SHARE = 0.055  # of a frame's height that a row takes
LEAST = 11  # pixels of a row
DARK = (0.0, 0.0, 0.0, 0.55)
BAR, BEST, DOUBT = (0.45, 0.55, 0.65, 0.55), (0.12, 0.55, 0.25, 0.8), (0.75, 0.45, 0.1, 0.8)


@dataclass(frozen=True)
class Caption:
    """What is said from `start` to `end`, in seconds."""

    start: float
    end: float
    said: Prediction


def captions(said: Prediction | Timeline) -> list[Caption]:
    """Return what is said when: one thing all the time, or that of the window which is nearest."""
    if isinstance(said, Prediction):
        return [Caption(0.0, float("inf"), said)]
    found = [
        Caption(start, end, one)
        for (start, end), (_, _, one) in zip(said.stretches().tolist(), said.windows(), strict=True)
    ]
    return [*found[:-1], Caption(found[-1].start, float("inf"), found[-1].said)]  # a last frame may outlast its window


def annotate(video: Source, said: Prediction | Timeline, out: Path, fps: float | None = None) -> None:
    """Write `video` as the MP4 `out` with the most probable classes in a bar at its lower edge, atomically.

    Size and times of the frames stay (`glad.data.film` says where a row is added), a rotation is applied, sound is
    left out. `fps` is needed where the video does not say it: a folder of frames, an array.
    """
    seconds = clock(video, fps)
    frames = np.arange(len(seconds) - 1)
    captioned = with_captions(video_of(video).stream(frames), seconds, captions(said))
    write_film(out, track(captioned, f"annotate {out.name}", len(frames), "frame"), seconds)


def with_captions(
    frames: Iterator[NDArray[np.uint8]], seconds: NDArray[np.float64], said: Sequence[Caption]
) -> Iterator[NDArray[np.uint8]]:
    """Yield frames (h, w, 3), each shown from its place in `seconds`, with the bar of the caption for that time."""
    place, bars = 0, -1
    alpha = colour = np.empty(0, np.float32)
    for start, frame in zip(seconds.tolist(), frames, strict=False):
        while place < len(said) - 1 and start + 1e-6 >= said[place].end:
            place += 1
        if start + 1e-6 < said[place].start:  # between two windows
            yield frame
            continue
        if bars != place:
            drawn = bar(said[place].said, frame.shape[1], frame.shape[0])
            alpha = drawn[..., 3:].astype(np.float32) / 255
            colour, bars = drawn[..., :3] * alpha + 0.5, place
        top = frame.shape[0] - len(alpha)
        below = (frame[top:] * (1 - alpha) + colour).astype(np.uint8)
        yield np.concatenate([frame[:top], below])


def bar(said: Prediction, width: int, height: int) -> NDArray[np.uint8]:
    """Return a strip (h, width, 4) uint8, RGBA, for frames of `height`: a row for each class, as long as probable."""
    rows = min(ROWS, len(said.classes))
    size = min(max(LEAST, round(SHARE * height)), max(height // rows, 1))
    figure = Figure(figsize=(width / 72, rows * size / 72), dpi=72, facecolor=DARK)  # a point is a pixel
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(rows, 0)
    axes.set_axis_off()
    for row, (name, p) in enumerate(zip(said.classes[:rows], said.probabilities[:rows], strict=True)):
        sure = said.name != "unknown"
        shade = BAR if row else BEST if sure else DOUBT
        axes.add_patch(Rectangle((0, row + 0.08), p * width, 0.84, facecolor=shade, lw=0))
        words = f"{name} {100 * p:.0f} %" if row or sure else f"unknown ({name} {100 * p:.0f} %)"
        letters = max(int(width / (0.6 * 0.72 * size)) - 1, 4)
        words = words if len(words) <= letters else f"{words[: letters - 1]}…"
        weight = "normal" if row else "bold"
        look = {"fontsize": 0.72 * size, "color": "white", "va": "center_baseline", "weight": weight}
        axes.text(0.35 * size, row + 0.5, words, parse_math=False, **look)
    with any_letters():
        canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()
