"""What happens when in a long video: a prediction for every window of a few seconds, and segments of one action."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glad.data.clock import clock
from glad.data.held import Source, name_of, video_of
from glad.data.spans import span_clips
from glad.errors import UserError
from glad.predict import TOP, Prediction, Predictor
from glad.progress import progress

MOST = 100_000  # windows of one video


@dataclass(frozen=True)
class Segment:
    """A stretch of a video, in seconds, in which one action was seen; `probability` is the mean over its windows."""

    start: float
    end: float
    name: str
    probability: float


@dataclass(frozen=True)
class Timeline:
    """What a run says of each window of one video.

    Attributes:
        video: its name.
        classes: the names of the k classes.
        starts, ends: (n,) seconds at which the windows begin and end, ascending.
        probabilities: (n, k).
        unknown: the probability below which a window is called "unknown".
        top: how many classes of a window are told.
    """

    video: str
    classes: tuple[str, ...]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    probabilities: NDArray[np.float32]
    unknown: float = 0.0
    top: int = TOP

    def __len__(self) -> int:
        return len(self.starts)

    def windows(self) -> Iterator[tuple[float, float, Prediction]]:
        """Yield the start, end and prediction of each window."""
        for start, end, row in zip(self.starts.tolist(), self.ends.tolist(), self.probabilities, strict=True):
            order = np.argsort(-row, kind="stable")[: self.top]
            classes = tuple(self.classes[index] for index in order)
            yield start, end, Prediction(self.video, classes, tuple(row[order].tolist()), self.unknown)

    def stretches(self) -> NDArray[np.float64]:
        """Return (n, 2) seconds: the stretch that each window speaks for. Where two overlap they meet in the middle."""
        found = np.stack([self.starts, self.ends], axis=1)
        overlap = self.ends[:-1] > self.starts[1:]
        middles = (self.ends[:-1] + self.starts[1:]) / 2
        found[:-1, 1][overlap] = middles[overlap]
        found[1:, 0][overlap] = middles[overlap]
        return found

    def segments(self) -> list[Segment]:
        """Return the stretches of neighbouring windows of one class as one each; they do not overlap."""
        found: list[tuple[float, float, str, list[float]]] = []
        for (start, end), (_, _, said) in zip(self.stretches().tolist(), self.windows(), strict=True):
            if found and found[-1][2] == said.name and start <= found[-1][1] + 1e-6:
                found[-1] = (found[-1][0], end, said.name, [*found[-1][3], said.probability])
            else:
                found.append((start, end, said.name, [said.probability]))
        return [Segment(start, end, name, sum(each) / len(each)) for start, end, name, each in found]

    def rows(self) -> list[dict[str, Any]]:
        """Return the windows as values that JSON can hold, times in seconds."""
        return [
            {
                "video": self.video,
                "start": round(start, 3),
                "end": round(end, 3),
                "class": said.name,
                "probability": round(said.probability, 6),
                "probabilities": {name: round(p, 6) for name, p in zip(said.classes, said.probabilities, strict=True)},
            }
            for start, end, said in self.windows()
        ]

    def as_json(self) -> str:
        """Return windows and segments as JSON."""
        windows = [{key: value for key, value in row.items() if key != "video"} for row in self.rows()]
        segments = [
            {"start": round(one.start, 3), "end": round(one.end, 3), "class": one.name}
            | {"probability": round(one.probability, 6)}
            for one in self.segments()
        ]
        return json.dumps({"video": self.video, "windows": windows, "segments": segments}, indent=1) + "\n"

    def as_csv(self) -> str:
        """Return the windows as CSV: video, start, end, class, probability, then the classes by rank."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        ranks = range(1, min(self.top, len(self.classes)) + 1)
        heads = [f"{what}_{rank}" for rank in ranks for what in ("class", "probability")]
        table.writerow(["video", "start", "end", "class", "probability", *heads])
        for row in self.rows():
            ranked = [value for pair in row.pop("probabilities").items() for value in pair]
            table.writerow([*row.values(), *ranked])
        return text.getvalue()

    def as_text(self) -> str:
        """Return the segments as lines to read."""
        lines = [f"{self.video}: {len(self)} windows"]
        for one in self.segments():
            lines.append(f"  {one.start:8.2f} – {one.end:8.2f} s  {one.name} {100 * one.probability:.1f} %")
        return "\n".join(lines)


def timeline(
    predictor: Predictor,
    video: Source,
    window: float,
    stride: float | None = None,
    *,
    fps: float | None = None,
    top: int = TOP,
    unknown: float = 0.0,
) -> Timeline:
    """Return what a run says of every window of a video; each is seen through the recipe's test views.

    Args:
        predictor: the run.
        video: path of a video file or a folder of frames, or the frames: (t, h, w, 3) uint8, RGB.
        window: seconds of a window.
        stride: seconds from the start of one window to that of the next; None is `window`.
        fps: frames per second; None: as the file says, which a folder of frames and an array do not.
        top: how many classes of a window are told.
        unknown: the probability below which a window is called "unknown".

    Raises UserError where the video cannot be read.
    """
    seconds = clock(video, fps)
    starts, spans = spans_of(seconds, window, window if stride is None else stride)
    recipe = predictor.recipe
    clips = span_clips(video_of(video), spans, recipe.test_views, recipe.test_pixels)
    rows = []
    with progress(f"predict {Path(name_of(video)).name}", len(spans), "window", shown=len(spans) > 1) as bar:
        for _, row in predictor.answers((("", each) for each in clips), len(spans)):
            rows.append(row)
            bar.advance()
    ends = np.minimum(starts + window, seconds[-1])
    return Timeline(name_of(video), predictor.classes, starts, ends, torch.stack(rows).numpy(), unknown, top)


def spans_of(
    seconds: NDArray[np.float64], window: float, stride: float
) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """Return the windows of a video: the seconds (n,) at which they begin, and the frames (first, count) shown in them.

    `seconds` (frames + 1,) are those of `clock`. Windows begin every `stride` seconds as long as they fit. Where they
    leave frames at the end, one more ends with the video. A video that is shorter than a window is one window.
    """
    if not (window > 0 and stride > 0):
        raise UserError(f"a window of {window:g} s every {stride:g} s shows nothing; both must be above 0")
    end, tick = float(seconds[-1]), 1e-6
    count = int(max(end - window + tick, 0) / stride) + 1
    if count > MOST:
        raise UserError(f"{count} windows in {end:.0f} s are more than anyone reads; choose a longer stride")
    starts = (stride * np.arange(count)).astype(np.float64)
    first = np.searchsorted(seconds[:-1], starts + tick, side="right") - 1  # the frame on show when the window opens
    last = np.searchsorted(seconds[:-1], starts + window - tick, side="left")
    if last[-1] < len(seconds) - 1 and stride <= window:
        starts = np.append(starts, max(end - window, 0.0)).astype(np.float64)
        first = np.append(first, np.searchsorted(seconds[:-1], starts[-1] + tick, side="right") - 1)
        last = np.append(last, len(seconds) - 1)
    return starts, [(a, b - a) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
