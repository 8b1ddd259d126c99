"""The picture of a confusion matrix shows its shares, whatever the classes are called."""

import cv2
import numpy as np
import pytest

from glad.confusion import confusion_png


@pytest.mark.parametrize("classes", [3, 50])
def test_a_confusion_matrix_becomes_a_picture(classes):
    names = [f"跳 {k}" for k in range(classes)]
    data = confusion_png(np.eye(classes, dtype=int) * 7, names)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None and min(pixels.shape[:2]) > 200
    assert pixels.reshape(-1, 3).std(axis=0).min() > 10
