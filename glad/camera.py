"""A camera as a source of short videos: so many seconds are recorded into memory, handed over, and so on."""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from glad.errors import UserError


class Capture(Protocol):
    """What is needed of `cv2.VideoCapture`."""

    def read(self) -> tuple[bool, Any]:
        """Return whether there is a frame, and the frame (h, w, 3) uint8, BGR."""
        ...


def open_camera(number: int) -> Capture:
    """Return camera `number`, counted from 0 as the system does; UserError where there is none."""
    before = cv2.utils.logging.setLogLevel(0)  # OpenCV tells of every device that it could not open
    capture = cv2.VideoCapture(number)
    cv2.utils.logging.setLogLevel(before)
    if not capture.isOpened():
        raise UserError(f"there is no camera {number}, or another program holds it")
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the scene of now, where the driver knows how
    return capture


def recordings(capture: Capture, seconds: float, now: Callable[[], float] = monotonic) -> Iterator[NDArray[np.uint8]]:
    """Yield what the camera sees in `seconds`, as (t, h, w, 3) uint8, RGB, again and again without end.

    What happens while a recording is looked at is not seen. UserError where the camera gives no more frames.
    """
    while True:
        frames, begun = [], now()
        while not frames or now() - begun < seconds:
            there, frame = capture.read()
            if not there:
                raise UserError("the camera gives no more frames")
            frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        yield np.stack(frames)
