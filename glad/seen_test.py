"""The pictures are of the very pixels that training has; a mixed one differs by its background alone."""

import numpy as np
import pytest
import torch

from glad.augment import Mix
from glad.batch import Clips
from glad.inputs import training_steps
from glad.methods.base import Needs
from glad.seen import GAP, SIDE, evenly, joined, picture, pictures, thumbnail


def clips(**views: tuple[int, ...]) -> Clips:
    """Return clips whose pixels are all different numbers, for views of given shapes."""
    pixels = {name: torch.arange(int(np.prod(shape))).reshape(shape).to(torch.uint8) for name, shape in views.items()}
    rows = next(iter(views.values()))[0]
    return Clips(pixels, {}, torch.zeros(rows, dtype=torch.int64))


def test_a_picture_holds_clip_below_clip_and_frame_beside_frame():
    found = clips(**{"global": (2, 1, 3, 2, 4, 4), "local": (2, 2, 3, 2, 4, 4)})
    image = picture(found)
    assert image.dtype == np.uint8 and image.shape == (2 * (3 * 4 + 2 * GAP) + 4 * GAP, 4 + GAP + 4, 3)
    second = np.moveaxis(found.views["local"][1, 1, :, 1].numpy(), 0, 2)  # of the last video the last clip's last frame
    np.testing.assert_array_equal(image[-4:, -4:], second)
    np.testing.assert_array_equal(image[:4, :4], np.moveaxis(found.views["global"][0, 0, :, 0].numpy(), 0, 2))
    assert (image[:4, 4 : 4 + GAP] == 255).all()


def test_many_clips_and_frames_become_a_few_evenly_spaced_ones():
    assert evenly(3, 5) == [0, 1, 2] and evenly(16, 4) == [0, 4, 8, 12] and evenly(5, 3) == [0, 1, 3]
    image = picture(clips(ordered=(5, 16, 3, 32, 100, 200)))
    assert image.shape == (2 * (3 * SIDE // 2 + 2 * GAP) + 4 * GAP, 8 * SIDE + 7 * GAP, 3)
    assert thumbnail(np.zeros((10, 20, 3), np.uint8)).shape == (10, 20, 3)


def test_views_of_other_sizes_stand_in_one_picture():
    narrow, wide = np.zeros((2, 3, 3), np.uint8), np.full((1, 5, 3), 7, np.uint8)
    image = joined([narrow, wide], 1, across=False)
    assert image[..., 0].tolist() == [[0, 0, 0, 255, 255], [0, 0, 0, 255, 255], [255] * 5, [7] * 5]


def test_source_and_target_are_those_of_the_batch(square_recipe):
    steps = training_steps(square_recipe(), ("left", "right"), Needs(target=True), 0, 1)
    batch = steps[3]
    found = pictures(steps, batch, 3)
    assert list(found) == ["source", "target"]
    np.testing.assert_array_equal(found["target"], picture(batch.target))
    batch.target = None
    assert list(pictures(steps, batch, 3)) == ["source"]


@pytest.mark.parametrize("probability", [0.3, 1.0])
def test_mixed_is_what_training_has_where_it_mixes_and_source_where_it_does_not(square_recipe, probability):
    recipe = square_recipe(mix=Mix(probability=probability, ratio=0.5))
    steps = training_steps(recipe, ("left", "right"), Needs(target=True), 0, 1)
    as_trained = set()
    for step in range(4):
        found, batch = pictures(steps, steps[step], step), picture(steps[step].source)
        assert list(found) == ["source", "target", "mixed"] and (found["source"] != found["mixed"]).mean() > 0.5
        half = (len(batch) - 4 * GAP) // 2  # of the picture, a video each
        for rows in (slice(0, half), slice(half + 4 * GAP, None)):
            equal = [name for name in ("source", "mixed") if np.array_equal(batch[rows], found[name][rows])]
            assert len(equal) == 1
            as_trained.add(equal[0])
    assert as_trained == ({"mixed"} if probability == 1.0 else {"source", "mixed"})


def test_looking_draws_no_random_number(square_recipe):
    steps = training_steps(square_recipe(mix=Mix(probability=0.5)), ("left", "right"), Needs(target=True), 0, 1)
    batch = steps[0]
    torch.manual_seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    pictures(steps, batch, 0)
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])
