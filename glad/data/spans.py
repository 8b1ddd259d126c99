"""Clips of many stretches of one video, which is read once, from front to back."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from glad.augment import Spatial
from glad.batch import Clips
from glad.data.video import Video
from glad.sampling import Sampler


def span_clips(video: Video, spans: Sequence[tuple[int, int]], sampler: Sampler, spatial: Spatial) -> Iterator[Clips]:
    """Yield the clips of evaluation of each span (first frame, number of frames) as of a video of its own (b = 1).

    Spans begin in ascending order and may overlap. `Clips.times` counts from the first frame of the whole video. Every
    frame is decoded and made smaller once, and no more are held than the spans under way need.
    """
    times = [{name: first + view for name, view in sampler.views(count, None).items()} for first, count in spans]
    asked = [np.unique(np.concatenate([view.ravel() for view in views.values()])) for views in times]
    needed = np.unique(np.concatenate(asked))
    held: dict[int, NDArray[np.uint8]] = {}
    look, done = None, 0
    for frame, pixels in zip(needed.tolist(), video.stream(needed), strict=True):
        look = look or spatial.look(pixels.shape[0], pixels.shape[1], None)
        held[frame] = np.ascontiguousarray(look.at(pixels[None])[0].transpose(2, 0, 1))
        while done < len(spans) and asked[done][-1] <= frame:
            yield _clips(held, times[done])
            done += 1
            first = spans[done][0] if done < len(spans) else frame + 1
            held = {number: pixels for number, pixels in held.items() if number >= first}


def _clips(held: dict[int, NDArray[np.uint8]], times: dict[str, NDArray[np.int64]]) -> Clips:
    """Return the clips made of the frames (3, h, w) that are held by their numbers."""
    views = {
        name: np.stack([np.stack([held[frame] for frame in clip], axis=1) for clip in view.tolist()])
        for name, view in times.items()
    }
    return Clips(
        {name: torch.from_numpy(view)[None] for name, view in views.items()},
        {name: torch.from_numpy(view)[None] for name, view in times.items()},
        torch.zeros(1, dtype=torch.int64),
    )
