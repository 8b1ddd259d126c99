"""Colour jitter: brightness, contrast, saturation and hue of a video changed at random, alike in all its frames."""

from collections.abc import Callable
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field, NonNegativeFloat

from glad.part import Part, Share


class Color(Part):
    """Colour jitter as CO2A draws it for its two views of a target video (3.4 of the specification).

    Attributes:
        probability: share of the videos that are changed at all.
        brightness, contrast, saturation: a factor is drawn from 1 +- this, cut off at 0; 0 leaves it alone.
        hue: a turn of the colour wheel is drawn from +- this, in whole turns, at most 0.5; 0 leaves it alone.
    """

    probability: Share = 0.8
    brightness: NonNegativeFloat = 0.15
    contrast: NonNegativeFloat = 0.15
    saturation: NonNegativeFloat = 0.15
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.05

    def apply(self, frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `frames` (t, h, w, 3) uint8 RGB with one draw of the four changes for all, in one random order."""
        change = self.draw(rng)
        return frames if change is None else change(frames)

    def draw(self, rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray] | None:
        """Return one draw of the four changes, in one random order, for the frames of a video; None changes nothing."""
        if rng.random() >= self.probability:
            return None
        low, high = 1.0 - np.minimum(self._factors, 1.0), 1.0 + self._factors
        b, c, s = rng.uniform(low, high)
        turn = rng.uniform(-self.hue, self.hue)
        steps = (
            lambda x: brightened(x, b) if self.brightness else x,
            lambda x: contrasted(x, c) if self.contrast else x,
            lambda x: saturated(x, s) if self.saturation else x,
            lambda x: turned(x, turn) if self.hue else x,
        )
        order = rng.permutation(len(steps))

        def change(frames: np.ndarray) -> np.ndarray:
            for k in order:
                frames = steps[k](frames)
            return frames

        return change

    @property
    def _factors(self) -> np.ndarray:
        return np.array([self.brightness, self.contrast, self.saturation])


def brightened(frames: np.ndarray, factor: float) -> np.ndarray:
    """Return `frames` (t, h, w, 3) uint8 times `factor` >= 0, rounded and cut off at 255."""
    return cv2.LUT(flat(frames), table(factor, 0.0)).reshape(frames.shape)


def contrasted(frames: np.ndarray, factor: float) -> np.ndarray:
    """Return every frame drawn towards (`factor` < 1) or away from the mean of its own grey picture."""
    means = gray(frames).mean(axis=(1, 2))
    out = np.empty_like(frames, order="C")
    for frame, mean, place in zip(frames, means, out, strict=True):
        cv2.LUT(frame, table(factor, (1.0 - factor) * round(float(mean))), dst=place)
    return out


def saturated(frames: np.ndarray, factor: float) -> np.ndarray:
    """Return every pixel drawn towards (`factor` < 1) or away from its own grey."""
    rows = flat(frames)
    greys = cv2.cvtColor(cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(rows, factor, greys, 1.0 - factor, 0.0).reshape(frames.shape)


def turned(frames: np.ndarray, turn: float) -> np.ndarray:
    """Return `frames` with every hue moved by `turn` of the colour wheel, to 1/256 of it; greys stay."""
    step = round(turn * 256) % 256
    if step == 0:
        return frames
    wheel = cv2.cvtColor(flat(frames), cv2.COLOR_RGB2HSV_FULL)
    wheel[..., 0] += np.uint8(step)  # past the end it starts again: 256 steps are one turn
    return cv2.cvtColor(wheel, cv2.COLOR_HSV2RGB_FULL).reshape(frames.shape)


def gray(frames: np.ndarray) -> np.ndarray:
    """Return the luma (t, h, w) uint8 of `frames`: 0.299 R + 0.587 G + 0.114 B."""
    return cv2.cvtColor(flat(frames), cv2.COLOR_RGB2GRAY).reshape(frames.shape[:3])


def flat(frames: np.ndarray) -> np.ndarray:
    """Return `frames` (t, h, w, 3) as one tall picture (t * h, w, 3), for operations that look at pixels alone."""
    return np.ascontiguousarray(frames).reshape(-1, *frames.shape[2:])


def table(factor: float, offset: float) -> np.ndarray:
    """Return uint8 (256,): what each value x becomes, `factor` * x + `offset` rounded and cut off."""
    return np.clip(np.rint(np.arange(256) * factor + offset), 0, 255).astype(np.uint8)
