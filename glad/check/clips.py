"""What a sampler makes of the videos of a list: how many are too short for a view, and what it then shows."""

from dataclasses import dataclass

import numpy as np

from glad.check.rows import Mask
from glad.sampling import Quarters, Sampler, Views, within

DRAWS = 8  # draws of training per length, of which the mean is told


@dataclass(frozen=True)
class ViewCounts:
    """How many rows a view does this to; in training the expected number, a mean over draws.

    Attributes:
        clips, length: of the view of one video: so many clips of so many frames.
        past_end: a clip asks for frames past the end of the video, and wraps to its start or holds its last frame.
        still: a clip is one frame, over and over.
        repeats: a clip shows some frame more than once (a still among them).
        overlap: two clips share a stretch of the video; a clip lasts until one interval past its last frame.
        coincide: two clips of the view are the same frames.
        narrow: of a global view: a clip covers less of the video than a local clip does.
    """

    clips: int
    length: int
    past_end: float = 0.0
    still: float = 0.0
    repeats: float = 0.0
    overlap: float = 0.0
    coincide: float = 0.0
    narrow: float = 0.0


EFFECTS = ("past_end", "still", "repeats", "overlap", "coincide", "narrow")


def clip_span(sampler: Sampler) -> int:
    """Return how many frames a video needs for one clip as the sampler means it."""
    return sampler.length if isinstance(sampler, Quarters) else sampler.span


def view_counts(sampler: Sampler, frames: np.ndarray, training: bool) -> dict[str, ViewCounts]:
    """Return for each view what it does to the rows of `frames` (n,) frames; unknown lengths (-1) are left out."""
    lengths, counts = np.unique(frames[frames >= 0], return_counts=True)
    totals: dict[str, np.ndarray] = {}
    shapes: dict[str, tuple[int, int]] = {}
    draws = DRAWS if training and not sampler.deterministic else 1
    for length, count in zip(lengths.tolist(), counts.tolist(), strict=True):
        for draw in range(draws):
            rng = np.random.default_rng([length, draw]) if draws > 1 else None
            views = sampler.unbounded(length, rng)
            for name, effects in _effects(sampler, views, length).items():
                totals[name] = totals.get(name, np.zeros(len(EFFECTS))) + effects * (count / draws)
                shapes[name] = (len(views[name]), views[name].shape[1])
    return {
        name: ViewCounts(*shapes[name], *(float(value) for value in total.round(3))) for name, total in totals.items()
    }


def _effects(sampler: Sampler, views: Views, num_frames: int) -> dict[str, Mask]:
    """Return for each view which of EFFECTS happen to a video of `num_frames` frames."""
    interval = 1 if isinstance(sampler, Quarters) else sampler.interval
    covered = {name: int(np.ptp(frames, axis=1).min()) for name, frames in views.items()}
    found = {}
    for name, frames in views.items():
        past = bool((frames >= num_frames).any())
        inside = within(frames, num_frames, sampler.short)
        ordered = np.sort(inside, axis=1)
        distinct = (np.diff(ordered, axis=1) > 0).sum(axis=1) + 1
        first, last = np.sort(frames.min(axis=1)), np.sort(frames.max(axis=1))
        several = len(frames) > 1
        found[name] = np.array(
            [
                past,
                bool((distinct == 1).any()),
                bool((distinct < inside.shape[1]).any()),
                several and bool((first[1:] < last[:-1] + interval).any()),
                several and len(np.unique(inside, axis=0)) < len(inside),
                name == "global" and "local" in covered and covered["global"] < covered["local"],
            ]
        )
    return found
