"""Colour jitter by hand, on single pixels; then the definitions in floating point; one draw for all frames."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from glad.color import Color, brightened, contrasted, gray, saturated, turned

FACTORS = st.floats(0.5, 1.5)


def noise(t: int = 2, h: int = 6, w: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (t, h, w, 3), dtype=np.uint8)


def pixel(r: int, g: int, b: int) -> np.ndarray:
    return np.array([[[[r, g, b]]]], np.uint8)


# by hand


def test_brightness_is_a_factor_cut_off_at_white():
    assert brightened(pixel(100, 0, 250), 1.15).tolist() == pixel(115, 0, 255).tolist()
    assert brightened(pixel(100, 10, 250), 0.0).tolist() == pixel(0, 0, 0).tolist()


def test_contrast_draws_every_frame_to_its_own_mean_grey():
    """Two greys, 100 and 200, have the mean 150: half the contrast is 125 and 175, double is 50 and 250."""
    frames = np.concatenate([np.full((1, 1, 1, 3), 100), np.full((1, 1, 1, 3), 200)], axis=2).astype(np.uint8)
    assert contrasted(frames, 0.5)[0, 0, :, 0].tolist() == [125, 175]
    assert contrasted(frames, 2.0)[0, 0, :, 0].tolist() == [50, 250]
    both = np.concatenate([frames, np.zeros_like(frames)])
    assert contrasted(both, 0.5)[:, 0, :, 0].tolist() == [[125, 175], [0, 0]]


def test_saturation_draws_every_pixel_to_its_grey():
    """The grey of pure red is 0.299 * 255 = 76."""
    assert gray(pixel(255, 0, 0)).tolist() == [[[76]]]
    assert saturated(pixel(255, 0, 0), 0.0).tolist() == pixel(76, 76, 76).tolist()
    half = saturated(pixel(255, 0, 0), 0.5).ravel()
    assert np.abs(half - [165.5, 38, 38]).max() <= 0.5
    assert saturated(pixel(9, 9, 9), 1.9).tolist() == pixel(9, 9, 9).tolist()


def test_a_third_of_a_turn_makes_red_green_and_half_a_turn_makes_it_cyan():
    assert np.abs(turned(pixel(255, 0, 0), 1 / 3).astype(int) - pixel(0, 255, 0)).max() <= 3
    assert np.abs(turned(pixel(255, 0, 0), 0.5).astype(int) - pixel(0, 255, 255)).max() <= 3
    assert np.abs(turned(pixel(0, 255, 0), -1 / 3).astype(int) - pixel(255, 0, 0)).max() <= 3
    assert turned(pixel(90, 90, 90), 0.2).tolist() == pixel(90, 90, 90).tolist()


@pytest.mark.parametrize("change", [brightened, contrasted, saturated])
def test_a_factor_of_one_changes_nothing(change):
    assert np.array_equal(change(noise(), 1.0), noise())


# in floating point


@given(FACTORS, st.integers(0, 999))
def test_three_changes_are_their_definitions_rounded(factor, seed):
    frames = noise(seed=seed)
    x = frames.astype(np.float64)
    grey = np.rint(x @ [0.299, 0.587, 0.114])
    mean = np.rint(grey.mean(axis=(1, 2)))[:, None, None, None]
    cases = [
        (brightened, factor * x),
        (contrasted, factor * x + (1 - factor) * mean),
        (saturated, factor * x + (1 - factor) * grey[..., None]),
    ]
    for change, expected in cases:
        # Half a level of rounding; a grey or a mean beside the half may round the other way: once times |1 - factor|.
        assert np.abs(change(frames, factor) - expected.clip(0, 255)).max() <= 0.5 + 1.01 * abs(1 - factor) + 1e-3


@given(st.floats(-0.5, 0.5), st.integers(0, 999))
def test_a_turn_moves_the_hue_and_keeps_the_brightest_channel(turn, seed):
    frames = noise(t=1, h=2, w=2, seed=seed)
    seen = turned(frames, turn)
    assert np.abs(seen.max(axis=3).astype(int) - frames.max(axis=3)).max() <= 1
    for before, after in zip(frames.reshape(-1, 3) / 255, seen.reshape(-1, 3) / 255, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        expected = colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)
        assert np.abs(after - np.array(expected)).max() < 12 / 255, "eight bits of hue and saturation"


# drawn


def test_all_frames_of_a_video_share_one_draw_and_pixels_do_not_mix():
    frames = np.repeat(noise(1), 3, axis=0)
    for seed in range(20):
        seen = Color(probability=1.0).apply(frames, np.random.default_rng(seed))
        assert seen.dtype == np.uint8 and seen.shape == frames.shape and (seen == seen[:1]).all()
        assert not np.array_equal(seen, frames)
        again = Color(probability=1.0).apply(frames[:, :, ::-1], np.random.default_rng(seed))
        assert np.array_equal(again, seen[:, :, ::-1]), "a flip before is a flip after"


def test_four_of_five_videos_are_changed():
    frames = noise()
    count = sum(not np.array_equal(Color().apply(frames, np.random.default_rng(seed)), frames) for seed in range(1000))
    assert abs(count - 800) < 4 * np.sqrt(1000 * 0.8 * 0.2)
    assert Color(probability=0.0).apply(frames, np.random.default_rng(0)) is frames


def test_factors_are_drawn_evenly_between_their_ends():
    flat = np.full((1, 1, 1, 3), 100, np.uint8)
    only = Color(probability=1.0, contrast=0.0, saturation=0.0, hue=0.0)
    values = [int(only.apply(flat, np.random.default_rng(seed))[0, 0, 0, 0]) for seed in range(2000)]
    assert set(values) == set(range(85, 116))
    assert abs(np.mean(values) - 100) < 4 * 8.7 / np.sqrt(2000)


def test_the_order_of_the_changes_is_drawn_too():
    """Bright pixels: brightness first cuts off at 255, contrast first does not; so equal factors can end apart."""
    color = Color(probability=1.0, brightness=0.15, contrast=0.15, saturation=0.0, hue=0.0)
    frames = noise(1, 4, 4)
    agree = [0, 0]
    for seed in range(200):
        rng = np.random.default_rng(seed)
        rng.random()
        b, c, _ = rng.uniform([0.85, 0.85, 1.0], [1.15, 1.15, 1.0])
        seen = color.apply(frames, np.random.default_rng(seed))
        for k, candidate in enumerate((contrasted(brightened(frames, b), c), brightened(contrasted(frames, c), b))):
            agree[k] += np.array_equal(seen, candidate)
    assert agree[0] + agree[1] >= 200 and min(agree) > 70


@pytest.mark.parametrize("wrong", [{"hue": 0.6}, {"brightness": -0.1}, {"probability": 2.0}])
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Color(**wrong)
