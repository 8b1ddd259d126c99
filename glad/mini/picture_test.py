import numpy as np
import pytest

from glad.mini.picture import (
    CANVAS,
    MARGIN,
    checkerboard,
    clothed,
    drawn,
    grey_body,
    rgb,
    room,
    shake,
    texture,
)
from glad.mini.skeleton import Body, joint_places, rest, seen_from

STANDING = seen_from(joint_places(rest(2), Body()), 0, 0)
STILL = np.zeros((2, 2), int)
PLACE = (CANVAS / 2, 0.86 * CANVAS)


def test_colours():
    assert rgb(0, 1, 1) == (255, 0, 0) and rgb(1 / 3, 1, 1) == (0, 255, 0) and rgb(0.7, 0, 1) == (255,) * 3


def test_a_scene_type_keeps_its_look_and_no_two_videos_share_a_picture():
    here, again, other = (room(scene, np.random.default_rng(seed)) for scene, seed in ((3, 0), (3, 1), (4, 0)))
    assert here.shape == (CANVAS + 2 * MARGIN,) * 2 + (3,) and here.dtype == np.uint8
    colour = [picture.mean((0, 1)) for picture in (here, again, other)]
    assert np.abs(colour[0] - colour[1]).max() < np.abs(colour[0] - colour[2]).max()
    assert not np.array_equal(here, again)
    assert here.mean() > 120
    assert room(3, np.random.default_rng(0), contrast=0.2).std() < here.std()


@pytest.mark.parametrize("kind", range(6))
def test_textures_are_patterns_between_0_and_1(kind):
    pattern = texture(kind, 12.0, np.array([3.0, 5.0]), 40)
    assert pattern.shape == (40, 40) and pattern.min() >= 0 and pattern.max() <= 1 and pattern.std() > 0.05


def test_target_world_is_grey():
    board = checkerboard()
    look = grey_body(np.random.default_rng(0))
    frames = drawn(STANDING, look, board, PLACE, 50.0, STILL)
    assert frames.shape == (2, 64, 64, 3) and frames.dtype == np.uint8
    assert np.ptp(frames.astype(int), axis=3).max() <= 4
    assert np.array_equal(frames[0], frames[1])


def test_person_stands_where_it_was_put():
    white = np.full_like(checkerboard(), 255)
    frame = drawn(STANDING, clothed(np.random.default_rng(1)), white, PLACE, 50.0, STILL)[0]
    rows, columns = np.nonzero(frame.min(2) < 250)
    assert rows.max() == pytest.approx(0.86 * 64, abs=3)
    assert np.ptp(rows) == pytest.approx(1.7 * 25, abs=5)  # 50 canvas pixels are 25 picture pixels to the metre
    assert columns.mean() == pytest.approx(32, abs=3)


def test_passer_by_and_shaken_camera_change_the_picture():
    look = clothed(np.random.default_rng(1))
    plain = drawn(STANDING, look, checkerboard(), PLACE, 50.0, STILL)
    ball = drawn(STANDING, look, checkerboard(), PLACE, 50.0, STILL, np.array([[20, 20], [200, 200]]))
    assert not np.array_equal(plain[0], ball[0])
    moved = drawn(STANDING, look, checkerboard(), PLACE, 50.0, np.full((2, 2), (2, 0)))
    assert np.array_equal(moved[:, :, :-1], plain[:, :, 1:])  # two canvas pixels are one picture pixel


def test_shake_stays_in_the_margin():
    way = shake(300, 1.5, np.random.default_rng(0))
    assert way.shape == (300, 2) and np.abs(way).max() <= MARGIN and 0.5 < way.std() < 2.5
    assert not shake(10, 0, np.random.default_rng(0)).any()
