"""Frames of a video to look at."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from glad.data.frames import frame_layout
from glad.data.video import open_video
from glad.run import Run

FRAMES = 12


def strips_of(run: Run) -> Callable[[dict], np.ndarray]:
    """Return a function from a line of the run's predictions to FRAMES frames (t, h, w, 3), even over the video."""
    root = run.recipe.data.test.folder

    def strip(line: dict) -> np.ndarray:
        path: Path = root / line["path"]
        layout = frame_layout(path) if path.is_dir() else None
        video = open_video(path, offset=line["offset"], length=line["frames"], layout=layout)
        return video.frames(((np.arange(FRAMES) + 0.5) * len(video) / FRAMES).astype(int))

    return strip
