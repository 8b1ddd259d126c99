"""What a network sees in training: a few clips of a batch, as pictures to look at."""

from dataclasses import replace

import cv2
import numpy as np

from glad.batch import Batch, Clips
from glad.data.domain import Domain
from glad.data.loader import Steps

VIDEOS, CLIPS, FRAMES = 2, 3, 8  # of each domain, of each view of a video, of each clip, at most
SIDE = 80  # pixels of a frame, at most
GAP = 2  # pixels between frames; four of them between videos


def pictures(steps: Steps, batch: Batch, step: int) -> dict[str, np.ndarray]:
    """Return pictures (h, w, 3) uint8 of the first videos of `batch`, which is that of step `step` of `steps`.

    `source` and `target` are the clips as training has them. Where the recipe mixes backgrounds into some source
    videos, `source` is without that, and `mixed` has one in every video, the same that training drew where it did.
    """
    found = {"source": batch.source, "target": batch.target}
    if steps.source.debias is not None:
        debias = steps.source.debias
        always = replace(debias, mix=debias.mix.model_copy(update={"probability": 1.0}))
        found["source"] = some_clips(replace(steps.source, debias=None), steps, step)
        found["mixed"] = some_clips(replace(steps.source, debias=always), steps, step)
    return {name: picture(clips) for name, clips in found.items() if clips is not None}


def some_clips(source: Domain, steps: Steps, step: int) -> Clips:
    """Return the clips that `source` takes of the first source videos of a step."""
    (clips,), _ = source.clips(steps.plan.sources(step)[:VIDEOS])
    return clips


def picture(clips: Clips) -> np.ndarray:
    """Return a picture (h, w, 3) uint8: a row of frames for each clip, view by view, video by video."""
    sheets = []
    for video in range(min(len(clips), VIDEOS)):
        rows = []
        for view in clips.views.values():
            for clip in view[video][evenly(view.shape[1], CLIPS)]:  # (3, t, h, w)
                frames = clip[:, evenly(clip.shape[1], FRAMES)].permute(1, 2, 3, 0).cpu().numpy()
                rows.append(joined([thumbnail(frame) for frame in frames], GAP, across=True))
        sheets.append(joined(rows, GAP, across=False))
    return joined(sheets, 4 * GAP, across=False)


def evenly(count: int, most: int) -> list[int]:
    """Return `most` numbers below `count`, evenly spaced, or all where there are no more."""
    return [k * count // most for k in range(most)] if count > most else list(range(count))


def thumbnail(frame: np.ndarray) -> np.ndarray:
    """Return a frame (h, w, 3) with sides of SIDE pixels at most."""
    scale = SIDE / max(frame.shape[:2])
    if scale >= 1:
        return frame
    return cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def joined(parts: list[np.ndarray], gap: int, *, across: bool) -> np.ndarray:
    """Return pictures side by side or one below the other, white between them and where one is smaller."""
    axis = 1 if across else 0
    other = max(part.shape[1 - axis] for part in parts)
    pieces = []
    for part in parts:
        room = [(0, 0), (0, 0), (0, 0)]
        room[axis], room[1 - axis] = (0, gap), (0, other - part.shape[1 - axis])
        pieces.append(np.pad(part, room, constant_values=255))
    whole = np.concatenate(pieces, axis=axis)
    return whole[:, :-gap] if across else whole[:-gap]
