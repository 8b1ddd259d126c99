"""Crops, flips and mixes by hand; one draw for all frames of a video."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from glad.augment import (
    ANCHORS,
    Mix,
    Spatial,
    center_box,
    mixed,
    mixing,
    multiscale_box,
    random_box,
    resized,
    shifted,
    with_short_side,
)
from glad.color import Color
from glad.errors import UserError


def noise(t: int, h: int, w: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (t, h, w, 3), dtype=np.uint8)


def ramp(t: int, h: int, w: int) -> np.ndarray:
    """Frames whose red is the column and whose green is the row, all alike."""
    frame = np.zeros((h, w, 3), np.uint8)
    frame[..., 0], frame[..., 1] = np.arange(w), np.arange(h)[:, None]
    return np.repeat(frame[None], t, axis=0)


# resize


@pytest.mark.parametrize(
    ("h", "w", "expected"),
    [
        (256, 340, (256, 340)),
        (240, 320, (256, 341)),  # 341.33
        (320, 240, (341, 256)),
        (300, 400, (256, 341)),
        (128, 161, (256, 322)),
        (100, 101, (256, 259)),  # 258.56, rounded up
        (512, 769, (256, 385)),  # 384.5, a half is rounded up
        (769, 512, (385, 256)),
    ],
)
def test_the_shorter_side_becomes_256_and_the_longer_is_rounded(h, w, expected):
    assert with_short_side(np.zeros((1, h, w, 3), np.uint8), 256).shape == (1, *expected, 3)


def test_resizing_to_the_same_shape_is_the_frames_themselves():
    frames = noise(2, 8, 10)
    assert resized(frames, 8, 10) is frames


def test_frames_are_resized_one_by_one_and_alike():
    frames = noise(3, 20, 30)
    together = resized(frames, 15, 12)
    assert together.shape == (3, 15, 12, 3) and together.dtype == np.uint8
    for t in range(3):
        assert np.array_equal(resized(frames[t : t + 1], 15, 12)[0], together[t])


def test_area_averages_what_bilinear_skips():
    frames = np.zeros((1, 8, 8, 3), np.uint8)
    frames[:, ::4, ::4] = 160  # one pixel of every 4 x 4 cell; bilinear looks at the middle of the cell
    assert (resized(frames, 2, 2, "area") == 10).all()
    assert (resized(frames, 2, 2, "bilinear") == 0).all()


def test_area_is_for_shrinking_only():
    frames = noise(1, 8, 8)
    assert np.array_equal(resized(frames, 12, 12, "area"), resized(frames, 12, 12, "bilinear"))


# crop

SIDES = {256, 224, 168}


@pytest.mark.parametrize(("h", "w"), [(256, 340), (340, 256), (256, 256)])
def test_multiscale_crops_of_a_frame_of_short_side_256(h, w):
    boxes = {multiscale_box(h, w, 224, np.random.default_rng(seed)) for seed in range(3000)}
    sizes = {(bw, bh) for _, _, bw, bh in boxes}
    assert sizes == {(a, b) for a in SIDES for b in SIDES if {a, b} != {256, 168}} and len(sizes) == 7
    for left, top, bw, bh in boxes:
        assert left >= 0 and top >= 0 and left + bw <= w and top + bh <= h
    places = {(left, top) for left, top, bw, bh in boxes if (bw, bh) == (168, 168)}
    across, down = (w - 168) // 4, (h - 168) // 4
    assert places == {(i * across, j * down) for i, j in ANCHORS} and len(places) == 13


def test_sizes_and_places_of_a_crop_are_equally_likely():
    boxes = [multiscale_box(256, 340, 224, np.random.default_rng((1, seed))) for seed in range(7000)]
    for size in {box[2:] for box in boxes}:
        assert abs(sum(box[2:] == size for box in boxes) - 1000) < 4 * np.sqrt(7000 / 7 * 6 / 7)


@pytest.mark.parametrize(("h", "w"), [(222, 300), (223, 223), (300, 222)])
def test_a_side_snapped_up_to_224_is_cut_to_the_frame(h, w):
    boxes = {multiscale_box(h, w, 224, np.random.default_rng(seed)) for seed in range(300)}
    for left, top, bw, bh in boxes:
        assert left + bw <= w and top + bh <= h
    assert any(min(h, w) in box[2:] for box in boxes)


def test_a_side_within_two_pixels_is_snapped():
    def sides(short: int) -> set[int]:
        return {multiscale_box(short, 999, 224, np.random.default_rng(s))[2] for s in range(100)}

    assert sides(226) == {224, 197, 149} and sides(227) == {227, 198, 149}
    assert sides(258) == {258, 224, 170} and sides(260) == {260, 227, 171}


@given(st.integers(2, 400), st.integers(2, 400), st.integers(1, 300), st.integers(0, 999))
def test_no_crop_leaves_the_frame(h, w, size, seed):
    for left, top, bw, bh in (multiscale_box(h, w, size, np.random.default_rng(seed)), center_box(h, w, size)):
        assert left >= 0 and top >= 0 and bw > 0 and bh > 0
        assert left + bw <= w and top + bh <= h


def test_centre_crops_by_hand():
    assert center_box(256, 340, 224) == (58, 16, 224, 224)
    assert center_box(341, 257, 224) == (16, 58, 224, 224)
    assert center_box(100, 300, 224) == (38, 0, 224, 100)


def test_a_random_crop_is_a_window_of_the_size_anywhere():
    boxes = [random_box(9, 12, 8, np.random.default_rng(seed)) for seed in range(1000)]
    assert set(boxes) == {(left, top, 8, 8) for left in range(5) for top in range(2)}
    assert all(abs(boxes.count(box) - 100) < 4 * np.sqrt(90) for box in set(boxes))


def test_a_random_crop_of_a_frame_too_small_takes_all_of_the_short_side():
    boxes = {random_box(6, 12, 8, np.random.default_rng(seed)) for seed in range(100)}
    assert boxes == {(left, 0, 8, 6) for left in range(5)}
    assert random_box(8, 8, 8, np.random.default_rng(0)) == (0, 0, 8, 8)


# all together


def test_evaluation_is_the_centre_of_the_frame():
    frames = ramp(2, 40, 60)
    seen = Spatial(size=32, short_side=40, crop="center", flip=0.0).apply(frames, None)
    assert np.array_equal(seen, frames[:, 4:36, 14:46])


def test_the_whole_frame_is_squashed_where_nothing_is_cropped():
    frames = ramp(1, 32, 64)
    seen = Spatial(size=16, short_side=None, crop="none", flip=0.0).apply(frames, None)
    assert seen.shape == (1, 16, 16, 3)
    assert seen[0, 0, 0, 0] < 3 and seen[0, 0, -1, 0] > 60, "both ends of the width are seen"
    assert seen[0, 0, 0, 1] < 2 and seen[0, -1, 0, 1] > 29


def test_a_squashed_frame_is_a_square_before_it_is_cropped():
    """64 x 32 becomes 16 x 16: a pixel is 4 columns wide and 2 rows high; the window is 12 of the 16."""
    frames = ramp(1, 32, 64)
    spatial = Spatial(size=12, short_side=16, square=True, crop="center", flip=0.0)
    seen = spatial.apply(frames, None)
    assert seen.shape == (1, 12, 12, 3)
    assert np.array_equal(seen, resized(frames, 16, 16)[:, 2:14, 2:14])
    corners = set()
    for seed in range(60):
        drawn = spatial.model_copy(update={"crop": "random"}).apply(frames, np.random.default_rng(seed))
        left, top = int(drawn[0, 0, 0, 0]) // 4, int(drawn[0, 0, 0, 1]) // 2
        assert np.array_equal(drawn, resized(frames, 16, 16)[:, top : top + 12, left : left + 12])
        corners.add((left, top))
    assert {left for left, _ in corners} == {top for _, top in corners} == set(range(5))


def test_colour_comes_last_and_moves_neither_crop_nor_flip():
    frames = noise(2, 40, 60)
    plain = Spatial(size=16, short_side=32, shift=2)
    coloured = plain.model_copy(update={"color": Color(probability=1.0)})
    for seed in range(10):
        rng = np.random.default_rng(seed)
        expected = Color(probability=1.0).apply(plain.apply(frames, rng), rng)
        assert np.array_equal(coloured.apply(frames, np.random.default_rng(seed)), expected)
    center = {"crop": "center"}
    still = coloured.model_copy(update=center).apply(frames, None)
    assert np.array_equal(still, plain.model_copy(update=center).apply(frames, None)), "evaluation draws nothing"


@pytest.mark.parametrize(
    ("spatial", "then"),
    [
        (Spatial(size=24, short_side=32), 1241873585),
        (Spatial(size=24, short_side=None, crop="none", shift=3), 1241873585),
        (Spatial(size=24, short_side=36, crop="center", flip=1.0, shrink="area"), 1469265226),
    ],
)
def test_a_recipe_without_colour_draws_what_it_always_drew(spatial, then):
    """Crop, shift, flip and nothing else; `then` is the draw that follows, from before there was colour."""
    rng, again = np.random.default_rng(7), np.random.default_rng(7)
    frames = noise(2, 40, 60)
    seen = spatial.apply(frames, rng)
    if spatial.short_side is not None:
        frames = with_short_side(frames, spatial.short_side, spatial.shrink)
    h, w = frames.shape[1:3]
    boxes = {"multiscale": lambda: multiscale_box(h, w, 24, again), "center": lambda: center_box(h, w, 24)}
    left, top, bw, bh = boxes.get(spatial.crop, lambda: (0, 0, w, h))()
    frames = resized(frames[:, top : top + bh, left : left + bw], 24, 24, spatial.shrink)
    if spatial.shift:
        frames = shifted(frames, *again.integers(-3, 4, size=2))
    assert np.array_equal(seen, frames[:, :, ::-1] if again.random() < spatial.flip else frames)
    assert int(rng.integers(2**31)) == int(again.integers(2**31)) == then


def test_a_flip_reverses_every_frame_exactly_and_half_of_the_videos():
    frames = noise(3, 16, 16)
    spatial = Spatial(size=16, short_side=None, crop="none", flip=0.5)
    flipped = 0
    for seed in range(400):
        seen = spatial.apply(frames, np.random.default_rng(seed))
        if not np.array_equal(seen, frames):
            assert np.array_equal(seen, frames[:, :, ::-1])
            flipped += 1
    assert abs(flipped - 200) < 4 * 10
    always = spatial.model_copy(update={"flip": 1.0})
    assert np.array_equal(always.apply(frames, np.random.default_rng(0)), frames[:, :, ::-1])
    assert np.array_equal(always.apply(frames, None), frames), "evaluation draws nothing"


@pytest.mark.parametrize("crop", ["multiscale", "random", "center", "none"])
def test_frames_looked_at_one_by_one_look_as_they_do_together(crop):
    """And neither changes the frames, which may serve a second draw."""
    frames = noise(3, 40, 60)
    spatial = Spatial(size=24, short_side=32, crop=crop, shift=2, color=Color(probability=0.5))
    for seed in range(20):
        look = spatial.look(40, 60, np.random.default_rng(seed))
        one_by_one = np.concatenate([look.at(frame[None]) for frame in frames])
        assert np.array_equal(spatial.apply(frames, np.random.default_rng(seed)), one_by_one)
    assert np.array_equal(frames, noise(3, 40, 60))


@given(st.integers(0, 10_000))
def test_all_frames_of_a_video_share_one_crop_flip_and_shift(seed):
    frames = np.repeat(noise(1, 30, 40), 4, axis=0)
    spatial = Spatial(size=24, short_side=32, shift=3)
    seen = spatial.apply(frames, np.random.default_rng(seed))
    assert seen.shape == (4, 24, 24, 3) and (seen == seen[:1]).all()
    assert np.array_equal(seen, spatial.apply(frames, np.random.default_rng(seed)))


@pytest.mark.parametrize("crop", ["multiscale", "random"])
def test_a_random_crop_needs_something_to_draw_from(crop):
    with pytest.raises(UserError, match=f"{crop} crop is random"):
        Spatial(crop=crop).apply(noise(1, 32, 32), None)


def test_a_square_needs_a_side():
    with pytest.raises(ValidationError, match="short_side is None"):
        Spatial(square=True, short_side=None)


def test_a_shift_repeats_the_edge():
    frames = np.arange(5, dtype=np.uint8)[None, None, :, None] * np.ones((1, 5, 1, 3), np.uint8)
    assert shifted(frames, 2, 0)[0, 0, :, 0].tolist() == [0, 0, 0, 1, 2]
    assert shifted(frames, -1, 0)[0, 0, :, 0].tolist() == [1, 2, 3, 4, 4]
    down = frames.swapaxes(1, 2)
    assert shifted(down, 0, 1)[0, :, 0, 0].tolist() == [0, 0, 1, 2, 3]
    assert np.array_equal(shifted(down, 0, 0), down)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(-9, 9), st.integers(-9, 9), st.booleans())
def test_a_shift_takes_the_nearest_pixel_there_is(height: int, width: int, across: int, down: int, mirrored: bool):
    frames = np.arange(2 * height * width * 3, dtype=np.uint8).reshape(2, height, width, 3)
    frames = frames[:, :, ::-1] if mirrored else frames
    rows, columns = (np.clip(np.arange(n) - by, 0, n - 1) for n, by in ((height, down), (width, across)))
    assert np.array_equal(shifted(frames, across, down), frames[:, rows][:, :, columns])


def test_shifts_reach_both_ends_and_no_further():
    frame = np.zeros((1, 9, 9, 3), np.uint8)
    frame[0, 4, 4] = 255
    spatial = Spatial(size=9, short_side=None, crop="none", flip=0.0, shift=2)
    places = {
        tuple(np.argwhere(spatial.apply(frame, np.random.default_rng(s))[0, :, :, 0])[0].tolist()) for s in range(300)
    }
    assert places == {(i, j) for i in range(2, 7) for j in range(2, 7)}


# background


def flat(value: int, t: int = 1) -> np.ndarray:
    return np.full((t, 2, 2, 3), value, np.uint8)


def test_a_mix_is_cut_off_not_rounded():
    """0.75 * 100 + 0.25 * 33 is 83.25, 0.75 * 101 + 0.25 * 32 is 83.75: both become 83."""
    assert (mixed(flat(100), flat(33)[0], 0.25) == 83).all()
    assert (mixed(flat(101), flat(32)[0], 0.25) == 83).all()
    assert mixed(flat(100), flat(33)[0], 0.25).dtype == np.uint8


def test_the_share_is_that_of_the_background():
    assert (mixed(flat(200), flat(40)[0], 0.75) == 80).all()
    frames, background = noise(2, 4, 5), noise(1, 4, 5, seed=1)[0]
    assert np.array_equal(mixed(frames, background, 0.0), frames)
    assert np.array_equal(mixed(frames, background, 1.0), np.repeat(background[None], 2, axis=0))


def test_at_a_quarter_every_pair_of_values_is_the_exact_whole_number_below():
    x, b = np.meshgrid(np.arange(256), np.arange(256))
    frames = np.repeat(x[None, ..., None], 3, axis=3).astype(np.uint8)
    background = np.repeat(b[..., None], 3, axis=2).astype(np.uint8)
    assert np.array_equal(mixed(frames, background, 0.25)[0, ..., 0], (3 * x + b) // 4)
    assert np.array_equal(mixed(frames, background, 0.75)[0, ..., 0], (x + 3 * b) // 4)


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.75, 1.0, *np.random.default_rng(0).random(40)])
def test_mixing_frame_by_frame_is_the_formula_on_all_pairs_of_values(ratio):
    """Every value of a frame with every value of a background, to the last bit."""
    x, b = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    frames, background = np.stack([x, x.T, x[::-1]])[..., None].repeat(3, 3), b[..., None].repeat(3, 2)
    blend = frames * np.float32(1.0 - ratio) + background * np.float32(ratio)
    expected = (blend + np.float32(1e-4)).astype(np.uint8)
    mix = mixing(background, ratio)
    assert np.array_equal(mix(frames), expected)
    assert all(np.array_equal(mix(frame[None])[0], one) for frame, one in zip(frames, expected, strict=True))
    assert np.array_equal(mixed(frames, background, ratio), expected)


@given(st.integers(0, 255), st.floats(0, 1))
def test_a_picture_mixed_with_itself_is_itself(value, ratio):
    assert (mixed(flat(value), flat(value)[0], ratio) == value).all()


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 10))
def test_tenths_are_exact(x, b, tenths):
    assert mixed(flat(x), flat(b)[0], tenths / 10).ravel()[0] == ((10 - tenths) * x + tenths * b) // 10


def test_what_stands_still_still_stands_still():
    frames = np.repeat(noise(1, 6, 6), 5, axis=0)
    blend = mixed(frames, noise(1, 6, 6, seed=3)[0], 0.25)
    assert (blend == blend[:1]).all() and not np.array_equal(blend, frames)


def draws(mix: Mix, count: int, pool: int = 10) -> list[tuple[int, float] | None]:
    rng = np.random.default_rng(0)
    return [mix.draw(pool, rng) for _ in range(count)]


def test_never_always_and_a_quarter_of_the_videos():
    assert all(drawn is None for drawn in draws(Mix(probability=0.0), 200))
    assert all(drawn is not None for drawn in draws(Mix(probability=1.0), 200))
    count = sum(drawn is not None for drawn in draws(Mix(), 4000))
    assert abs(count - 1000) < 4 * np.sqrt(4000 * 0.25 * 0.75)


def test_any_background_may_be_drawn_with_the_share_that_is_set():
    found = [drawn for drawn in draws(Mix(probability=1.0, ratio=0.4), 300) if drawn]
    assert {index for index, _ in found} == set(range(10)) and {ratio for _, ratio in found} == {0.4}


def test_a_uniform_share_covers_zero_to_one():
    ratios = [drawn[1] for drawn in draws(Mix(probability=1.0, ratio="uniform"), 1000) if drawn]
    counts = np.histogram(ratios, bins=10, range=(0, 1))[0]
    assert len(ratios) == 1000 and (np.abs(counts - 100) < 4 * np.sqrt(90)).all()
