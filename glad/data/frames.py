"""A video stored as a folder of numbered images, one per frame."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glad.data.blame import blamed, reason
from glad.data.gather import Indices, gathered
from glad.data.image import IMAGE_SUFFIXES, read_image
from glad.errors import UserError

_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<digits>\d+)(?P<suffix>\.[^.]+)", re.DOTALL)


@dataclass(frozen=True)
class FrameLayout:
    """How the files of a frame folder are named: a template such as `img_%05d.jpg`, and the first number.

    Inferred once from one folder (`frame_layout`), shown to the user, and then used for all folders of a dataset.
    """

    template: str
    first: int

    def name(self, index: int) -> str:
        """Return the file name of frame `index`, counted from 0."""
        return self.template % (self.first + index)

    def __str__(self) -> str:
        return f"{self.template} from {self.first}"


@dataclass(frozen=True)
class FrameFolder:
    """A folder of numbered images, or the `length` frames of it that start at `offset`.

    It holds names and numbers only, so it may travel to loader workers. Nothing is read before `frames`.
    `origin` (say, `train.txt line 3`) opens every error.
    """

    path: Path
    layout: FrameLayout
    length: int
    offset: int = 0
    origin: str = ""

    def __len__(self) -> int:
        return self.length

    def frames(self, indices: Indices) -> NDArray[np.uint8]:
        """Return the frames `indices` (0 .. len - 1) as RGB uint8 `(t, h, w, 3)`, each file read once."""
        return gathered(indices, self.stream)

    def stream(self, indices: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """Yield `(h, w, 3)` for each of the ascending, distinct `indices`."""
        assert indices[-1] < self.length, f"frame {indices[-1]} of a video of {self.length}"
        with blamed(self.origin):
            self._check_numbering()
            first: tuple[str, tuple[int, ...]] | None = None
            for index in indices:
                name = self.layout.name(self.offset + int(index))
                path = self.path / name
                try:
                    frame = read_image(path)
                except UserError:
                    if path.exists():
                        raise
                    raise UserError(f"{path} is missing; {self._present()}") from None
                first = first or (name, frame.shape)
                if frame.shape != first[1]:
                    raise UserError(
                        f"the frames of {self.path} differ in size: {first[0]} is "
                        f"{first[1][1]}x{first[1][0]}, {name} is {frame.shape[1]}x{frame.shape[0]}"
                    )
                yield frame

    def _check_numbering(self) -> None:
        """Refuse a folder that does not begin at the layout's first number: every frame would be another one.

        Two look-ups by name instead of a listing, since this happens for every sample.
        """
        start = self.path / self.layout.name(0)
        if not start.exists():
            if not self.path.is_dir():
                raise UserError(f"the frame folder {self.path} is missing")
            raise UserError(f"{start} is missing; {self._present()}")
        if self.layout.first > 0 and (earlier := self.path / self.layout.name(-1)).exists():
            raise UserError(
                f"{earlier} exists, but the frames of this dataset are expected to be "
                f"{self.layout}; all folders of one dataset must be numbered alike"
            )

    def _present(self) -> str:
        """Return what the folder holds instead, for an error."""
        try:
            layout, count = numbered_frames(self.path)
        except UserError as problem:
            return str(problem)
        return f"the folder holds {count} frames, {layout}"


def frame_folder(
    path: Path,
    layout: FrameLayout | None = None,
    offset: int = 0,
    length: int | None = None,
    origin: str = "",
) -> FrameFolder:
    """Return the video in folder `path`; what is not given is found by listing the folder once."""
    if layout is None or length is None:
        found, count = numbered_frames(path)
        if layout is not None and found != layout:
            raise UserError(
                f"the frames of {path} are {found}, those of this dataset are expected to be {layout}; "
                f"all folders of one dataset must be named and numbered alike"
            )
        layout = found
        if length is None:
            length = count - offset
        if length < 1 or offset + length > count:
            raise UserError(f"{max(length, 1)} frames from offset {offset} are asked for, but {path} holds {count}")
    return FrameFolder(path, layout, length, offset, origin)


def frame_layout(path: Path) -> FrameLayout:
    """Return how the frames in folder `path` are named and numbered."""
    return numbered_frames(path)[0]


def numbered_frames(path: Path) -> tuple[FrameLayout, int]:
    """Return the layout of folder `path` and how many frames it holds, which are numbered without a gap."""
    layout, numbers, names = frame_names(path)
    for index in range(len(numbers)):
        if layout.name(index) not in names:
            raise UserError(
                f"{path} has a gap: {layout.name(index)} is missing between {layout.name(0)} and number {numbers[-1]}"
            )
    return layout, len(numbers)


def frame_names(path: Path) -> tuple[FrameLayout, list[int], set[str]]:
    """Return the layout of folder `path`, the numbers of its frames, ascending, and the names of all its files.

    Files that are no numbered images are not frames; images of optical flow (`flow_x_00001.jpg`), which some tools
    store beside the frames, are left aside. There may be gaps.
    """
    try:
        names = [entry.name for entry in os.scandir(path)]
    except OSError as problem:
        raise UserError(f"the frame folder {path} cannot be listed: {reason(problem)}") from None
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match and match["suffix"].lower() in IMAGE_SUFFIXES and not name.startswith((".", "flow")):
            groups.setdefault((match["prefix"], match["suffix"]), []).append(match["digits"])
    if not groups:
        raise UserError(f"{path} holds no numbered images such as img_00001.jpg")
    if len(groups) > 1:
        kinds = ", ".join(sorted(f"{prefix}…{suffix}" for prefix, suffix in groups))
        raise UserError(f"{path} holds more than one series of images ({kinds}); a frame folder holds one")
    [((prefix, suffix), digits)] = groups.items()
    numbers = sorted(map(int, digits))
    widths = {len(text) for text in digits}
    padded = len(widths) == 1 or any(text[0] == "0" and len(text) > 1 for text in digits)
    number = f"%0{min(widths)}d" if padded and min(widths) > 1 else "%d"
    return FrameLayout(prefix.replace("%", "%%") + number + suffix, numbers[0]), numbers, set(names)
