"""A camera's frames become short videos, so many seconds each."""

import cv2
import numpy as np
import pytest

from glad.camera import open_camera, recordings
from glad.errors import UserError


class Fake:
    """A camera of ten frames a second by its own clock: frame i is (i, 0, 255) in blue, green, red; `last` ends it."""

    def __init__(self, last: int = 10**6) -> None:
        self.count, self.last = 0, last

    def read(self):
        if self.count == self.last:
            return False, None
        frame = np.zeros((4, 6, 3), np.uint8)
        frame[..., 0], frame[..., 2] = self.count, 255
        self.count += 1
        return True, frame

    def now(self) -> float:
        return self.count / 10


def test_so_many_seconds_are_recorded_in_rgb_again_and_again():
    camera = Fake()
    found = recordings(camera, 0.5, camera.now)
    first, second = next(found), next(found)
    assert first.shape == second.shape == (5, 4, 6, 3) and first.dtype == np.uint8
    assert first[:, 0, 0].tolist() == [[255, 0, index] for index in range(5)]
    assert second[:, 0, 0, 2].tolist() == [5, 6, 7, 8, 9]
    assert len(next(recordings(camera, 0.001, camera.now))) == 1


def test_a_camera_that_is_pulled_out_is_told():
    camera = Fake(last=7)
    found = recordings(camera, 0.5, camera.now)
    next(found)
    with pytest.raises(UserError, match="the camera gives no more frames"):
        next(found)


def test_a_camera_that_is_not_there_is_told(monkeypatch, capfd):
    class Closed:
        def isOpened(self):
            return False

    monkeypatch.setattr(cv2, "VideoCapture", lambda number: Closed())
    with pytest.raises(UserError, match="there is no camera 3, or another program holds it"):
        open_camera(3)
    assert capfd.readouterr().err == ""
