"""When the frames of a video are shown, in seconds."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glad.data.held import Source, name_of, video_of
from glad.data.movie import MovieFile
from glad.data.packets import frame_rate, opened, packet_index
from glad.errors import UserError


def clock(source: Source, fps: float | None = None) -> NDArray[np.float64]:
    """Return (n + 1,) seconds: frame i of the n frames is shown from the i-th of them until the next; the first is 0.

    The times are those in the file, whatever its frame rate does, unless `fps` (frames per second) is given. A folder
    of frames, a pack and an array say nothing about time: for them `fps` must be given, else UserError.
    """
    video = video_of(source)
    if fps is None:
        if not isinstance(video, MovieFile):
            raise UserError(f"{name_of(source)} does not say how many frames make a second; give the rate (--fps)")
        if (found := times_in(video.path)) is not None:
            return found
        if (fps := frame_rate(video.path)) is None:
            raise UserError(f"{video.path} does not say how many frames make a second; give the rate (--fps)")
    return np.arange(len(video) + 1) / fps


def times_in(path: Path) -> NDArray[np.float64] | None:
    """Return (n + 1,) seconds from the first frame of a file to each, and to the end; None where it does not say.

    The last frame is taken to last as long as most do.
    """
    times = packet_index(path).times
    if len(times) < 2:
        return None
    with opened(path) as (_, stream):
        if stream.time_base is None:
            return None
        tick = float(stream.time_base)
    return (np.append(times, times[-1] + np.median(np.diff(times))) - times[0]) * tick
