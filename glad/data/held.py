"""Videos that are handed over one by one: a path each, or the frames themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glad.data.gather import Indices
from glad.data.listing import VideoRecord
from glad.data.video import Video, open_video
from glad.errors import UserError

Source = Path | str | NDArray[np.uint8]


@dataclass(frozen=True)
class HeldVideo:
    """A video whose frames are in memory, uint8 (n, h, w, 3), RGB."""

    pixels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pixels)

    def frames(self, indices: Indices) -> NDArray[np.uint8]:
        """Return the frames `indices` as `(t, h, w, 3)`, in the order asked."""
        return self.pixels[np.asarray(indices)]

    def stream(self, indices: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames `indices` one by one."""
        return (self.pixels[index] for index in indices)


@dataclass(frozen=True)
class Given:
    """Videos of a program: paths of files and frame folders, and arrays of frames, side by side."""

    sources: tuple[Source, ...]

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> VideoRecord:
        return VideoRecord(name_of(self.sources[index]), None, 0, None)

    def video(self, index: int) -> Video:
        """Return video `index`, opened."""
        return video_of(self.sources[index])


def video_of(source: Source) -> Video:
    """Return the video at a path, or made of the frames, uint8 (t, h, w, 3) RGB, that are handed over.

    Raises UserError where there is none, or the frames are of another kind.
    """
    if not isinstance(source, np.ndarray):
        return open_video(Path(source))
    if source.ndim != 4 or source.shape[3] != 3 or source.dtype != np.uint8 or not source.size:
        raise UserError(f"frames are uint8 (t, h, w, 3), RGB, at least one; these are {source.dtype} {source.shape}")
    return HeldVideo(source)


def name_of(source: Source) -> str:
    """Return what a video is called: its path, or of frames how many they are."""
    return f"{len(source)} frames" if isinstance(source, np.ndarray) else str(source)
