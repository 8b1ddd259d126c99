"""Pictures are inside the page, whole, and escaped."""

import base64

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from glad.report.images import figure_tag, image_tag, no_larger


@pytest.mark.parametrize(("kind", "error"), [("png", 0), ("jpeg", 3)])
def test_an_image_decodes_to_its_pixels(kind, error):
    pixels = np.full((20, 30, 3), (200, 40, 90), np.uint8)
    tag = str(image_tag(pixels, '<"&', kind))
    assert tag.startswith(f'<img src="data:image/{kind};base64,') and 'alt="&lt;&#34;&amp;"' in tag
    assert 'width="30" height="20"' in tag
    data = np.frombuffer(base64.b64decode(tag.split(",")[1].split('"')[0]), np.uint8)
    found = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(found.astype(int) - pixels).max() <= error


def test_a_figure_is_the_same_svg_every_time_with_words_as_words():
    def tag() -> str:
        figure = Figure()
        figure.subplots().set_title("跳 jump")
        return str(figure_tag(figure, "a"))

    text = base64.b64decode(tag().split(",")[1].split('"')[0]).decode()
    assert "跳 jump" in text and "<svg" in text and tag() == tag()


def test_tall_pictures_shrink_and_others_stay():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    assert no_larger(pixels, 40) is pixels
    assert no_larger(pixels, 20).shape == (20, 30, 3)
    np.testing.assert_allclose(no_larger(pixels, 20)[0, 0], pixels[:2, :2].reshape(4, 3).mean(0), atol=1)
