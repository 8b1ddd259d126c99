"""The report's film strips are frames of the very video that was predicted, its span included."""

import numpy as np
import pytest

from glad.data.image import read_image
from glad.recipe import Videos
from glad.run import Run
from glad.show import FRAMES, strips_of


@pytest.fixture
def run(square_recipe, square_pair, tmp_path) -> Run:
    run = Run(tmp_path)
    test = Videos(list=square_pair.test.list, root=square_pair.test.root)
    run.begin(square_recipe(data=square_pair.model_copy(update={"test": test})), ("left", "right"))
    return run


def test_frames_lie_in_the_middle_of_equal_parts(run, squares):
    strip = strips_of(run)({"path": "left_0", "offset": 0, "frames": 12})
    assert strip.shape == (FRAMES, 24, 24, 3) and FRAMES == 12
    numbers = range(12)  # (k + 1/2) * 12 / 12, cut
    expected = [read_image(squares / "test" / "left_0" / f"img_{number + 1:05d}.jpg") for number in numbers]
    assert np.array_equal(strip, expected)


def test_a_span_is_shown_alone(run, squares):
    strip = strips_of(run)({"path": "right_1", "offset": 4, "frames": 1})
    assert np.array_equal(strip, [read_image(squares / "test" / "right_1" / "img_00005.jpg")] * FRAMES)
