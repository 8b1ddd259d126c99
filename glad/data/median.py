"""The median over time of every value of a video, exactly, in bounded memory and about as fast as frames decode."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from glad.data.compiled_median import compiled_median
from glad.data.video import Video

_COLUMN = 12288  # values searched at a time, a multiple of 8: with a few hundred frames, what the caches hold
_ROWS = 150  # frames compared at a time; at most 255, so that their counts fit into bytes
_BAND_BYTES = 192 * 2**20  # frames held in memory at a time, whatever the length of the video


def temporal_median(frames: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the median over time of uint8 `(t, h, w, 3)`, or of t frames, as uint8 `(h, w, 3)` (section 4.2).

    It equals `np.median(frames, axis=0).astype(np.uint8)`: of an even number of frames the two middle values are
    averaged and the half is cut off. In uint8 there is no NaN to look after.
    """
    assert len(frames) and frames[0].dtype == np.uint8 and frames[0].ndim == 3, "no frames of bytes"
    stack = _Stack(len(frames), frames[0].size, [])
    for index, frame in enumerate(frames):
        stack.put(index, frame)
    return stack.median().reshape(frames[0].shape)


def video_median(
    video: Video, band_bytes: int = _BAND_BYTES, spare: list[NDArray[np.uint8]] | None = None
) -> NDArray[np.uint8]:
    """Return the temporal median of all frames of `video`, uint8 `(h, w, 3)`.

    A video larger than `band_bytes` is decoded several times, each time for a band of its rows. `spare`, an empty list
    at first, keeps the memory of a band for the next video: memory that is new is zeroed by the system before.
    """
    spare = [] if spare is None else spare
    everything = np.arange(len(video))
    frames = video.stream(everything)
    first = next(frames)
    frames = chain([first], frames)
    height, width, _ = first.shape
    rows = max(1, min(height, band_bytes // (len(everything) * width * 3)))
    bands = []
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        stack = _Stack(len(everything), (bottom - top) * width * 3, spare)
        for index, frame in enumerate(frames if top == 0 else video.stream(everything)):
            stack.put(index, frame[top:bottom])
        bands.append(stack.median().reshape(bottom - top, width, 3))
    return np.concatenate(bands)


class _Stack:
    """`length` frames of `size` values each, laid out so that the values of a column lie close together in memory."""

    def __init__(self, length: int, size: int, spare: list[NDArray[np.uint8]]) -> None:
        """Take the memory from `spare` where there is enough of it; `median` puts it back."""
        self.size, self.spare = size, spare
        width = min(_COLUMN, -(-size // 8) * 8)
        self.whole = size // width
        shape = (-(-size // width), length, width)
        memory = spare.pop() if spare else np.empty(0, np.uint8)
        if memory.size < np.prod(shape):
            del memory  # before more is asked for
            memory = np.empty(np.prod(shape), np.uint8)
        self.memory = memory
        self.columns = memory[: np.prod(shape)].reshape(shape)
        if self.whole < len(self.columns):
            self.columns[-1, :, size - self.whole * width :] = 0  # what no value fills

    def put(self, index: int, frame: NDArray[np.uint8]) -> None:
        """Store all values of a frame."""
        values, edge = frame.reshape(-1), self.whole * self.columns.shape[2]
        self.columns[: self.whole, index] = values[:edge].reshape(-1, self.columns.shape[2])
        if edge < self.size:
            self.columns[-1, index, : self.size - edge] = values[edge:]

    def median(self) -> NDArray[np.uint8]:
        """Return the median of every value, `(size,)`; the stack ends with it."""
        find = compiled_median() or _median
        found = np.concatenate([find(column) for column in self.columns])[: self.size]
        self.spare.append(self.memory)
        del self.columns, self.memory
        return found


def _median(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the median of contiguous `(t, p)` over its rows, cut to bytes; p is a multiple of 8.

    The lower of the two middle values is found bit by bit, from the highest: a bit is set as long as no more than
    (t - 1) // 2 values are smaller. Each of the eight rounds is a comparison and a sum of bytes, which processors do
    64 at a time, while selecting or sorting goes value by value; choices are arithmetic, for on the noise of a video
    branches would be guessed wrongly.
    """
    t, p = values.shape
    below = (t - 1) // 2
    kind = np.uint16 if t < 2**15 else np.uint32  # of counts; room for a sign bit
    blocks = [values[start : start + _ROWS] for start in range(0, t, _ROWS)]
    scratch = np.empty((min(t, _ROWS), p), np.uint8)
    median = np.zeros(p, np.uint8)
    surplus = np.full(p, t - below - 1, kind)  # how many values, beyond those `below + 1`, are at most the median
    for bit in (128, 64, 32, 16, 8, 4, 2, 1):
        trial = median + np.uint8(bit)
        count = np.zeros(p, kind)  # of values smaller than `trial`
        for block in blocks:
            smaller = scratch[: len(block)]
            np.less(block, trial, out=smaller.view(np.bool_))
            # Eight bytes summed as one number: none of the eight sums reaches 256.
            count += np.add.reduce(smaller.view(np.uint64), axis=0).view(np.uint8)
        count -= kind(below + 1)  # wraps where the bit is to be set
        np.minimum(surplus, count, out=surplus)
        median += (count > kind(t)).view(np.uint8) * np.uint8(bit)
    if t % 2 == 0:
        # Where the upper of the two is another value, it is the next larger one; those not larger wrap to the top.
        rise = np.full(p, 255, np.uint8)
        for block in blocks:
            beyond = scratch[: len(block)]
            np.subtract(block, median + np.uint8(1), out=beyond)
            np.minimum(rise, np.minimum.reduce(beyond, axis=0), out=rise)
        median += ((rise + np.uint8(1)) * (surplus == 0).view(np.uint8)) >> 1
    return median
