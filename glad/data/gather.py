"""Puts decoded frames into the order in which they were asked for."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Indices = Sequence[int] | NDArray[np.integer]


def gathered(indices: Indices, stream: Callable[[NDArray[np.int64]], Iterator[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Return the frames `indices` as `(t, h, w, 3)`, in the order asked, repeats allowed.

    `stream` is called once, with the distinct indices in ascending order, and yields one `(h, w, 3)` for each; all
    have one size.
    """
    wanted = np.asarray(indices, dtype=np.int64)
    assert wanted.ndim == 1 and len(wanted), f"frames are asked for by a list of indices, not {indices!r}"
    distinct, place = np.unique(wanted, return_inverse=True)
    assert distinct[0] >= 0, f"a frame index is never negative, unlike {distinct[0]}"
    frames: NDArray[np.uint8] | None = None
    arrived = 0
    for arrived, frame in enumerate(stream(distinct), start=1):
        if frames is None:
            frames = np.empty((len(wanted), *frame.shape), np.uint8)
        frames[place == arrived - 1] = frame
    assert frames is not None and arrived == len(distinct)
    return frames
