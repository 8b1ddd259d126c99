"""Sizes grow with the machine and the videos, never past either, and the time told is that of steps that were made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glad.sizing
from glad.machine import Machine
from glad.methods.order import OrderConfig
from glad.recipe_file import NETWORKS, Sizes
from glad.sampling import Ordered
from glad.sizing import BEGINNING, interval_for, seconds_per_step, sizes, training_minutes

LAPTOP, SERVER = Machine(4, 16), Machine(16, 128, "H200", 139.8)


def lengths(count: int, frames: int = 100) -> np.ndarray:
    return np.full(count, frames)


def test_by_hand():
    assert sizes("small", lengths(39), lengths(9), LAPTOP) == Sizes(64, 2, 8, 150, 300, "32-true")  # 60 x 4 = 240 < 300
    assert sizes("small", lengths(400), lengths(9), LAPTOP) == Sizes(64, 2, 8, 1500, 3000, "32-true")  # 60 x 50
    assert sizes("small", lengths(80), lengths(9), LAPTOP) == Sizes(64, 2, 8, 300, 600, "32-true")
    assert sizes("small", lengths(400), lengths(9), SERVER) == Sizes(64, 2, 32, 360, 720, "32-true")  # 60 x 12
    assert sizes("small", lengths(40), lengths(9), SERVER).batch_size == 10
    assert sizes("small", lengths(3, 20), lengths(9), LAPTOP) == Sizes(64, 1, 3, 150, 300, "32-true")
    assert sizes("r50-i3d", lengths(400), lengths(9), LAPTOP) == Sizes(112, 2, 2, 150, 300, "32-true")
    assert sizes("r50-i3d", lengths(400), lengths(9), SERVER) == Sizes(224, 2, 23, 510, 1020, "bf16-mixed")  # 60 x 17
    assert sizes("tsm", lengths(400), lengths(9), Machine(8, 64, "old", 8.0)).batch_size == 2


@given(st.integers(2, 20_000), st.sampled_from(sorted(NETWORKS)), st.sampled_from([LAPTOP, SERVER]))
def test_a_batch_never_exceeds_the_source_and_training_has_an_end(count, backbone, machine):
    found = sizes(backbone, lengths(count), lengths(5), machine)
    assert 2 <= found.batch_size <= min(count, 32)
    assert 300 <= found.steps <= 20_000 and found.order_steps == found.steps // 2


def test_dense_clips_are_closer_where_videos_are_short():
    assert interval_for(lengths(3, 32), lengths(3, 200)) == 2
    assert interval_for(lengths(3, 31), lengths(3, 200)) == interval_for(lengths(3, 200), lengths(3, 31)) == 1
    assert interval_for(np.array([5, 40, 40]), lengths(3)) == 2  # the middle one decides


def test_the_time_is_that_of_both_stages(square_recipe, monkeypatch):
    before = square_recipe(steps=30, method=OrderConfig(), source_views=Ordered(), target_views=Ordered())
    recipe = square_recipe(steps=90, after=before)
    monkeypatch.setattr(
        glad.sizing, "seconds_per_step", lambda stage, classes, workers: 2.0 if stage.steps == 30 else 4.0
    )
    assert training_minutes(recipe, ("left", "right"), 0) == pytest.approx((30 * 2 + 90 * 4 + 2 * BEGINNING) / 60)


@pytest.mark.parametrize("workers, seconds", [(0, 7.0), (1, 6.25), (2, 3.25), (8, 1 + 0.75 / 4)])
def test_workers_share_the_loading(workers, seconds, square_recipe, monkeypatch):
    """A step that computes for 1 s and loads for 6 s, by a clock that both wind; a quarter of the shorter is lost."""
    ticks = iter(np.cumsum([0, 60, 10, *[0, 6, 1] * 2]).tolist())
    monkeypatch.setattr(glad.sizing.time, "perf_counter", lambda: next(ticks))
    assert seconds_per_step(square_recipe(), ("left", "right"), workers) == pytest.approx(seconds)
    assert next(ticks, None) is None, "slow steps are made thrice"


def test_quick_steps_are_made_more_often_and_the_middle_one_counts(square_recipe, monkeypatch):
    loading = [9, 0.1, 0.1, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1]
    ticks = iter(np.cumsum([x for load in loading for x in (0, load, 0.1)]).tolist())
    monkeypatch.setattr(glad.sizing.time, "perf_counter", lambda: next(ticks))
    assert seconds_per_step(square_recipe(), ("left", "right"), 0) == pytest.approx(0.2)
    assert next(ticks, None) is None


def test_a_real_step_takes_time(square_recipe):
    assert 0 < seconds_per_step(square_recipe(), ("left", "right"), 0) < 60
