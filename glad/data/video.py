"""One way to look at any video: how many frames it has, and some of them. Nothing else knows how it is stored."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glad.data.blame import blamed
from glad.data.frames import FrameLayout, frame_folder
from glad.data.gather import Indices
from glad.data.movie import MovieFile
from glad.data.pack import packed_video
from glad.errors import UserError


class Video(Protocol):
    """A frame folder (`FrameFolder`), a video file (`MovieFile`) or one in a pack (`PackedVideo`), or a span of it."""

    def __len__(self) -> int:
        """Return the number of frames."""
        ...

    def frames(self, indices: Indices) -> NDArray[np.uint8]:
        """Return the frames `indices` (0 .. len - 1) as RGB uint8 `(t, h, w, 3)`.

        They come in the order asked, repeats allowed, and each distinct frame is decoded once. A missing, damaged
        or too short video raises `UserError`.
        """
        ...

    def stream(self, indices: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """Yield the ascending, distinct frames `indices` one by one, each `(h, w, 3)`, in one pass."""
        ...


def open_video(
    path: Path | str,
    *,
    offset: int = 0,
    length: int | None = None,
    layout: FrameLayout | None = None,
    origin: str = "",
) -> Video:
    """Return the video at `path`, a frame folder or a video file; of it, `length` frames from `offset` on.

    A path may lead through a pack (`train.pack/jump/a`). Without `length`, the video counts its own frames. `layout`
    says how frame folders are named and numbered, and saves listing the folder; a pack knows its own. `origin` (say,
    `train.txt line 3`) opens every error of this video.
    """
    path = Path(path)
    with blamed(origin):
        if path.is_dir():
            return frame_folder(path, layout, offset, length, origin)
        if packed := packed_video(path, offset, length, origin):
            return packed
        if not path.exists():
            raise UserError(f"there is no video at {path}, neither a folder of frames nor a video file")
        return MovieFile(path, offset, length, origin)
