"""Heat is drawn where the crop was, as strong as it is, and what was cropped away is dark."""

import cv2
import numpy as np
import pytest

from glad.augment import Spatial
from glad.data.movie import MovieFile
from glad.errors import UserError
from glad.heat import STRENGTH, UNSEEN, about, drawn_frames, strip, under_heat, write_heat_film, write_strip
from glad.predict import Prediction
from glad.saliency import Saliency

WHOLE = Spatial(size=8, short_side=None, crop="none", flip=0.0)
CENTRE = Spatial(size=8, short_side=8, crop="center", flip=0.0)
GREY = np.full((16, 32, 3), 100, np.uint8)


def found(video: np.ndarray) -> Saliency:
    """Return a saliency of 2 clips of 3 frames of `video`: all of it in the last frame of the first clip."""
    times = {"global": np.array([[0, 2, 4]]), "local": np.array([[2, 3, 4]])}
    heat = {view: np.zeros((1, 3, 8, 8), np.float32) for view in times}
    heat["global"][0, 2] = 1
    said = Prediction("clips/$a$.mp4", ("run", "sit"), (0.9, 0.1))
    return Saliency(video, said, "run", times, {}, heat, (1, 7, 7), 0.25, 0.125)


def test_without_heat_a_frame_is_itself_and_what_the_crop_leaves_out_is_dark():
    cold = np.zeros((8, 8), np.float32)
    assert (under_heat(GREY, cold, WHOLE.look(16, 32, None), 99) == 100).all()
    drawn = under_heat(GREY, cold, CENTRE.look(16, 32, None), 99)
    assert drawn.shape == GREY.shape and (drawn[:, 9:23] == 100).all()
    assert (drawn[:, :7] == int(100 * UNSEEN)).all() and (drawn[:, 25:] == int(100 * UNSEEN)).all()


def test_heat_is_drawn_at_its_place_as_strong_as_it_is():
    heat = np.zeros((8, 8), np.float32)
    heat[:4, :4], heat[4:, 4:] = 1.0, 0.5
    drawn = under_heat(GREY, heat, WHOLE.look(16, 32, None), 99).astype(int)
    hot, warm = drawn[2, 4], drawn[13, 28]
    assert hot == pytest.approx(
        [100 * (1 - STRENGTH) + 255 * STRENGTH, 100 * (1 - STRENGTH), 100 * (1 - STRENGTH)], abs=2
    )
    assert warm[0] == pytest.approx(100 * (1 - STRENGTH / 2) + 255 * STRENGTH / 2, abs=2)
    assert hot[1] < warm[1] and (drawn[2, 28] == 100).all() and (drawn[13, 4] == 100).all()


def test_large_frames_are_drawn_small():
    drawn = under_heat(np.zeros((300, 400, 3), np.uint8), np.zeros((8, 8), np.float32), WHOLE.look(300, 400, None), 75)
    assert drawn.shape == (75, 100, 3)


def test_frames_come_from_the_video_itself():
    video = np.stack([np.full((16, 32, 3), 40 * index, np.uint8) for index in range(5)])
    drawn = drawn_frames(found(video), WHOLE, 99)
    assert drawn["global"].shape == (1, 3, 16, 32, 3)
    assert drawn["global"][0, :2].mean(axis=(1, 2, 3)).tolist() == [0, 80]
    assert drawn["local"][0].mean(axis=(1, 2, 3)).tolist() == [80, 120, 160]
    assert drawn["global"][0, 2, 0, 0, 0] > 160


def test_the_strip_has_a_row_for_each_clip_and_says_what_it_shows(tmp_path):
    one = found(np.stack([GREY] * 5))
    figure = strip(one, drawn_frames(one, WHOLE, 99))
    words = [text.get_text() for text in figure.texts]
    assert len(figure.axes) == 2 and "clips/$a$.mp4: run 90.0 %, sit 10.0 %" in words
    assert [word for word in words if word.isdigit()] == ["0", "2", "4", "2", "3", "4"]
    assert about(one) == [
        "where it looks for 'run' (Grad-CAM: yellow a little, red most; 7 x 7 places in a frame)",
        "25 % of that on what moves, which is 12 % of the pixels",
    ]
    write_strip(tmp_path / "a.png", one, WHOLE)
    assert cv2.imread(str(tmp_path / "a.png")).std() > 10  # pyright: ignore
    with pytest.raises(UserError, match=r"a\.jpg: a strip is written as \.png; name it so"):
        write_strip(tmp_path / "a.jpg", one, WHOLE)


def test_the_film_shows_every_frame_once_and_the_hotter_of_two(tmp_path):
    video = np.stack([np.full((16, 32, 3), 40 * index, np.uint8) for index in range(5)])
    write_heat_film(tmp_path / "a.mp4", found(video), WHOLE)
    film = MovieFile(tmp_path / "a.mp4").frames(np.arange(4)).astype(int)
    assert film[:3].mean(axis=(1, 2, 3)) == pytest.approx([0, 80, 120], abs=4)
    assert film[3, ..., 0].mean() > 200 > 60 > film[3, ..., 2].mean()
