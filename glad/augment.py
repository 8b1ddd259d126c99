"""From decoded frames to the pixels a network sees: one draw per video, shared by all its frames."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import cv2
import numpy as np
from pydantic import NonNegativeInt, PositiveInt, model_validator

from glad.color import Color
from glad.errors import UserError
from glad.part import Part, Share

SCALES = (1.0, 0.875, 0.66)  # of the shorter side; the release's multi-scale crop
# Where a crop may lie, in quarters of the free width and height.
ANCHORS = (
    *((0, 0), (4, 0), (0, 4), (4, 4), (2, 2)),
    *((0, 2), (4, 2), (2, 4), (2, 0)),
    *((1, 1), (3, 1), (1, 3), (3, 3)),
)


class Spatial(Part):
    """Crop, resize, flip and colour, in that order, to `size` x `size` pixels.

    Attributes:
        size: side of the result, in pixels.
        short_side: the frame is first resized so that its shorter side has this many pixels; None leaves it.
        square: the frame is first squashed to `short_side` x `short_side` instead (CO2A).
        crop: `multiscale` (training), `random`: a window of `size` x `size` anywhere (CO2A), `center` (evaluation), or
            `none`: the whole frame is squashed to a square.
        flip: probability of a horizontal flip.
        shift: largest random translation of the result, in pixels, edges repeated (ours; for small pictures).
        shrink: interpolation where the picture becomes smaller: `bilinear` as the release, or `area`.
        color: colour jitter, drawn last: with it or without, crop, shift and flip are the same. None is none.
    """

    size: PositiveInt = 224
    short_side: PositiveInt | None = 256
    square: bool = False
    crop: Literal["multiscale", "random", "center", "none"] = "multiscale"
    flip: Share = 0.5
    shift: NonNegativeInt = 0
    shrink: Literal["bilinear", "area"] = "bilinear"
    color: Color | None = None

    @model_validator(mode="after")
    def _has_side(self) -> Self:
        if self.square and self.short_side is None:
            raise UserError(
                "square squashes a frame to short_side x short_side, but short_side is None; give it pixels"
            )
        return self

    def apply(self, frames: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """Return `frames` (t, h, w, 3) uint8 as (t, size, size, 3); `rng=None` draws nothing."""
        return self.look(frames.shape[1], frames.shape[2], rng).at(frames)

    def look(self, height: int, width: int, rng: np.random.Generator | None) -> "Look":
        """Return what is done to every frame of a video of `height` x `width` pixels; `rng=None` draws nothing."""
        whole = None
        if self.short_side is not None:
            whole = (self.short_side, self.short_side) if self.square else sides(height, width, self.short_side)
            height, width = whole
        if self.crop in ("multiscale", "random"):
            if rng is None:
                raise UserError(f"a {self.crop} crop is random, and evaluation is not; set test_pixels.crop to center")
            draw = multiscale_box if self.crop == "multiscale" else random_box
            box = draw(height, width, self.size, rng)
        elif self.crop == "center":
            box = center_box(height, width, self.size)
        else:
            box = 0, 0, width, height
        shift, flip, color = None, False, None
        if rng is not None and self.shift:
            across, down = rng.integers(-self.shift, self.shift + 1, size=2)
            shift = int(across), int(down)
        if rng is not None and self.flip:
            flip = bool(rng.random() < self.flip)
        if rng is not None and self.color is not None:
            color = self.color.draw(rng)
        return Look(whole, box, self.size, self.shrink, shift, flip, color)


@dataclass(frozen=True)
class Look:
    """What `Spatial` drew for one video: frames looked at one by one look as they do together.

    Attributes:
        whole: (height, width) to which a frame is resized first; None leaves it.
        box: (left, top, width, height) of the crop.
        size: side of the result, in pixels.
        shrink: interpolation where the picture becomes smaller.
        shift: pixels by which the result is moved (right, down); None is not at all.
        flip: whether left and right change places.
        color: what happens to the colours of (t, h, w, 3), or None.
    """

    whole: tuple[int, int] | None
    box: tuple[int, int, int, int]
    size: int
    shrink: str
    shift: tuple[int, int] | None
    flip: bool
    color: Callable[[np.ndarray], np.ndarray] | None

    def at(self, frames: np.ndarray) -> np.ndarray:
        """Return `frames` (t, h, w, 3) uint8 as (t, size, size, 3); what needs no change may be a part of `frames`."""
        if self.whole is not None:
            frames = resized(frames, *self.whole, self.shrink)
        left, top, width, height = self.box
        frames = resized(frames[:, top : top + height, left : left + width], self.size, self.size, self.shrink)
        if self.shift is not None:
            frames = shifted(frames, *self.shift)
        if self.flip:
            frames = flipped(frames)
        return frames if self.color is None else self.color(frames)


def with_short_side(frames: np.ndarray, short: int, shrink: str = "bilinear") -> np.ndarray:
    """Return `frames` scaled so that the shorter side is `short`; sides are rounded half up, as the release does."""
    return resized(frames, *sides(frames.shape[1], frames.shape[2], short), shrink)


def sides(height: int, width: int, short: int) -> tuple[int, int]:
    """Return (height, width) scaled so that the shorter one is `short`, rounded half up."""
    scale = short / min(height, width)
    return int(height * scale + 0.5), int(width * scale + 0.5)


def multiscale_box(height: int, width: int, size: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return a random crop (left, top, width, height), as the release's multi-scale crop draws it (1.4).

    Sides are SCALES of the shorter side, at most one scale apart, snapped to `size` when within 2 pixels of it and
    never larger than the frame; the place is one of 13 anchors.
    """
    sides = [int(min(height, width) * scale) for scale in SCALES]
    sides = [size if abs(side - size) < 3 else side for side in sides]
    pairs = [(w, h) for i, h in enumerate(sides) for j, w in enumerate(sides) if abs(i - j) <= 1]
    w, h = pairs[rng.integers(len(pairs))]
    w, h = min(w, width), min(h, height)
    across, down = ANCHORS[rng.integers(len(ANCHORS))]
    return across * ((width - w) // 4), down * ((height - h) // 4), w, h


def random_box(height: int, width: int, size: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return a crop (left, top, width, height) like the centred one, but anywhere: every place is equally likely."""
    _, _, w, h = center_box(height, width, size)
    return int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1)), w, h


def center_box(height: int, width: int, size: int) -> tuple[int, int, int, int]:
    """Return the centred crop (left, top, width, height) of side `size`, or of the whole side where that is shorter."""
    w, h = min(size, width), min(size, height)
    return (width - w) // 2, (height - h) // 2, w, h


def resized(frames: np.ndarray, height: int, width: int, shrink: str = "bilinear") -> np.ndarray:
    """Return `frames` (t, h, w, 3) uint8 resized; itself when the shape is already right."""
    if frames.shape[1:3] == (height, width):
        return frames
    smaller = height < frames.shape[1] and width < frames.shape[2]
    how = cv2.INTER_AREA if shrink == "area" and smaller else cv2.INTER_LINEAR
    out = np.empty((len(frames), height, width, 3), dtype=np.uint8)
    for frame, place in zip(frames, out, strict=True):
        cv2.resize(frame, (width, height), dst=place, interpolation=how)
    return out


def shifted(frames: np.ndarray, across: int, down: int) -> np.ndarray:
    """Return `frames` (t, h, w, 3) moved right by `across` and down by `down` pixels, edge pixels repeated."""
    height, width = frames.shape[1:3]
    down, across = max(1 - height, min(down, height - 1)), max(1 - width, min(across, width - 1))
    top, bottom, left, right = max(down, 0), max(-down, 0), max(across, 0), max(-across, 0)
    out = np.empty(frames.shape, np.uint8)
    for frame, place in zip(frames[:, bottom : height - top, right : width - left], out, strict=True):
        cv2.copyMakeBorder(frame, top, bottom, left, right, cv2.BORDER_REPLICATE | cv2.BORDER_ISOLATED, dst=place)
    return out


def flipped(frames: np.ndarray) -> np.ndarray:
    """Return `frames` (t, h, w, 3) uint8 with left and right exchanged."""
    out = np.empty(frames.shape, np.uint8)
    for frame, place in zip(frames, out, strict=True):
        cv2.flip(frame, 1, dst=place)
    return out


def mixed(frames: np.ndarray, background: np.ndarray, mix_ratio: float) -> np.ndarray:
    """Eq. 6: every frame becomes `(1 - mix_ratio) * frame + mix_ratio * background`, truncated to uint8.

    Args:
        frames: uint8 (t, h, w, 3).
        background: uint8 (h, w, 3).
        mix_ratio: share of the background, in [0, 1].
    """
    return mixing(background, mix_ratio)(frames)


def mixing(background: np.ndarray, mix_ratio: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return what mixes `background` into (t, h, w, 3) uint8 as `mixed` does, for frames that come one by one."""
    mix = _quarters(background, mix_ratio) if 4 * mix_ratio in (1, 2, 3) else _any_share(background, mix_ratio)

    def mixed_in(frames: np.ndarray) -> np.ndarray:
        out = np.empty(frames.shape, np.uint8)
        for frame, place in zip(frames, out, strict=True):
            mix(frame, place)
        return out

    return mixed_in


def _quarters(background: np.ndarray, mix_ratio: float) -> Callable[[np.ndarray, np.ndarray], object]:
    """Return what writes the mix of a frame to a place, where shares are quarters: such sums are exact.

    They are rounded from almost half a level below, which cuts them off.
    """
    return lambda frame, place: cv2.addWeighted(frame, 1 - mix_ratio, background, mix_ratio, 1e-4 - 0.5, dst=place)


def _any_share(background: np.ndarray, mix_ratio: float) -> Callable[[np.ndarray, np.ndarray], object]:
    """Return what writes the mix of a frame to a place, for any share."""
    share = background * np.float32(mix_ratio)
    blend = np.empty_like(share)  # of one frame, which stays in the processor's cache

    def mix(frame: np.ndarray, place: np.ndarray) -> None:
        np.multiply(frame, np.float32(1.0 - mix_ratio), out=blend)
        np.add(blend, share, out=blend)
        # Half a rounding error below a whole number is that number: 0.7 * 100 + 0.3 * 100 is 100, not 99.
        np.add(blend, np.float32(1e-4), out=blend)
        np.copyto(place, blend, casting="unsafe")

    return mix


class Mix(Part):
    """Background augmentation (4.2, 5.1): a source video is mixed with the background of a random source video.

    Attributes:
        probability: share of the videos that are mixed.
        ratio: share of the background in a mixed video, or `uniform`: drawn from [0, 1] for each video.
    """

    probability: Share = 0.25
    ratio: Share | Literal["uniform"] = 0.25

    def draw(self, pool: int, rng: np.random.Generator) -> tuple[int, float] | None:
        """Return (background index below `pool`, its share) for one video, or None: leave it as it is."""
        if rng.random() >= self.probability:
            return None
        index = int(rng.integers(pool))
        return index, float(rng.random()) if self.ratio == "uniform" else self.ratio
