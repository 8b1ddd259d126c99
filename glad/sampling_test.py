"""Frame indices by hand, then what every clip of every sampler must keep."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from glad.sampling import Grid, Nodes, Ordered, Quarters, Sampler, Segments, clip_starts, within

LENGTHS = st.integers(1, 400)
SEEDS = st.integers(0, 2**32)
SAMPLERS = [
    Grid(),
    Grid(local_rows=(0, 3, 7), global_columns=(1, 5), interval=3),
    Grid(deterministic=True),
    Segments(),
    Segments(locals_are="adjacent", short="repeat_last"),
    Segments(length=16, interval=4, global_views=0, local_views=3),
    Ordered(),
    Ordered(interval=1, placed="adjacent", short="repeat_last"),
    Quarters(),
    Quarters(frames="drawn", clips=3, length=8, short="repeat_last"),
    Nodes(),
    Nodes(clips=3, length=5, interval=2, grid=3),
]


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def every_second(start: int) -> list[int]:
    return list(range(start, start + 16, 2))


# Evaluation, worked out by hand: length, clip starts, global frames, second local clip.
BY_HAND = [
    (11, [0] * 8, [6] * 8, [0, 2, 4, 6, 8, 10, 1, 3]),
    (15, [0] * 8, [6] * 8, every_second(0)),
    (16, [0] * 8, [6] * 8, every_second(0)),
    (17, [0, 0, 0, 0, 1, 1, 1, 1], [6, 6, 6, 6, 7, 7, 7, 7], every_second(1)),
    (18, [0, 0, 0, 1, 1, 2, 2, 2], [6, 6, 6, 7, 7, 8, 8, 8], every_second(2)),
    (23, list(range(8)), list(range(6, 14)), every_second(5)),
    (31, list(range(1, 16, 2)), list(range(7, 22, 2)), every_second(11)),
    (54, [2, 7, 12, 17, 21, 26, 31, 36], [8, 13, 18, 23, 27, 32, 37, 42], every_second(26)),
    (100, [5, 15, 26, 37, 47, 58, 69, 79], [11, 21, 32, 43, 53, 64, 75, 85], every_second(58)),
    (300, [17, 53, 89, 124, 160, 195, 231, 267], [23, 59, 95, 130, 166, 201, 237, 273], every_second(195)),
]


@pytest.mark.parametrize(("length", "starts", "global_clip", "second_local"), BY_HAND)
def test_the_grid_of_evaluation(length, starts, global_clip, second_local):
    assert clip_starts(length, 8, 16, None).tolist() == starts
    views = Grid().views(length, None)
    assert views["global"].tolist() == [global_clip]
    assert views["local"][1].tolist() == second_local
    assert views["local"][0].tolist() == [(starts[4] + 2 * j) % length for j in range(8)]


def test_training_starts_of_videos_about_as_long_as_a_clip():
    """Neither 15 nor 16 frames leave anything to draw."""
    for seed in range(20):
        assert clip_starts(15, 8, 16, rng(seed)).tolist() == [0] * 8
        assert clip_starts(16, 8, 16, rng(seed)).tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
        assert clip_starts(23, 8, 16, rng(seed)).tolist() == list(range(8))


@given(LENGTHS, SEEDS)
def test_training_starts_of_the_grid(n, seed):
    starts = clip_starts(n, 8, 16, rng(seed))
    if n < 15:
        assert not starts.any()
    if n >= 16:
        assert (np.diff(starts) >= 0).all() and starts[0] >= 0
        assert starts[7] + 14 <= n - 1, "the last clip wraps"
    if n >= 23:
        share = (n - 15) // 8
        assert (starts // share == np.arange(8)).all()


def test_training_starts_fill_their_share():
    drawn = np.stack([clip_starts(55, 8, 16, rng(seed)) for seed in range(200)])
    for k in range(8):
        assert set(drawn[:, k]) == set(range(5 * k, 5 * k + 5))


@given(LENGTHS, st.one_of(st.none(), SEEDS))
def test_the_grid_computes_only_what_it_needs_and_gets_the_same(n, seed):
    """All 64 frames of the release's 8 x 8 grid, from the same generator; 24 of them are picked, 22 distinct cells."""
    starts = clip_starts(n, 8, 16, None if seed is None else rng(seed))
    cells = (starts[:, None] + 2 * np.arange(8)) % n
    views = Grid().views(n, None if seed is None else rng(seed))
    assert np.array_equal(views["local"], cells[[4, 5]])
    assert np.array_equal(views["global"], cells[:, 3][None])
    assert views["global"][0, 4] == views["local"][0, 3] and views["global"][0, 5] == views["local"][1, 3]


def test_two_frames_of_the_global_clip_are_also_in_a_local_one():
    views = Grid().views(1000, None)
    together = np.concatenate([view.ravel() for view in views.values()])
    assert len(together) == 24 and len(set(together.tolist())) == 22


@pytest.mark.parametrize("n", range(1, 40))
def test_the_global_clip_is_one_still_frame_only_in_short_videos(n):
    def still(seed: int | None) -> bool:
        clip = Grid().views(n, None if seed is None else rng(seed))["global"]
        return len(set(clip.ravel().tolist())) == 1

    assert still(None) == (n <= 16)
    if n <= 15:
        assert all(still(seed) for seed in range(20))
    elif n == 16 or n >= 23:
        assert not any(still(seed) for seed in range(20))


@given(LENGTHS, st.one_of(st.none(), SEEDS), st.sampled_from(SAMPLERS))
def test_every_sampler_stays_inside_the_video(n, seed, sampler):
    first = sampler.views(n, None if seed is None else rng(seed))
    for name, frames in first.items():
        assert frames.dtype == np.int64 and frames.ndim == 2 and frames.shape[1] == sampler.length, name
        assert (frames >= 0).all() and (frames < n).all(), name
    again = sampler.views(n, None if seed is None else rng(seed))
    assert all(np.array_equal(frames, again[name]) for name, frames in first.items())


@given(st.integers(8, 400), SEEDS)
def test_a_global_clip_of_the_paper_takes_one_frame_of_each_eighth(n, seed):
    (clip,) = Segments().views(n, rng(seed))["global"]
    for i, frame in enumerate(clip.tolist()):
        assert int(i * n / 8) <= frame <= np.ceil((i + 1) * n / 8) - 1
        assert frame < n
    assert (np.diff(clip) >= (1 if n % 8 == 0 else 0)).all()


@given(LENGTHS, st.one_of(st.none(), SEEDS))
def test_a_local_clip_of_the_paper_is_dense_and_the_clips_are_in_order(n, seed):
    clips = Segments().unbounded(n, None if seed is None else rng(seed))["local"]
    assert (np.diff(clips, axis=1) == 2).all()
    assert clips[0, 0] <= clips[1, 0] and (clips[:, 0] >= 0).all() and (clips[:, 0] < max(n - 15, 1)).all()


def test_the_paper_s_sampler_by_hand():
    views = Segments().views(100, None)
    assert views["global"].tolist() == [[6, 18, 31, 43, 56, 68, 81, 93]]
    assert views["local"].tolist() == [every_second(21), every_second(63)]
    assert Segments().views(16, None)["local"].tolist() == [every_second(0)] * 2
    drawn = np.stack([Segments().views(20, rng(seed))["local"][:, 0] for seed in range(200)])
    assert set(drawn.ravel()) == set(range(5))
    globals_drawn = np.stack([Segments().views(80, rng(seed))["global"][0] for seed in range(300)])
    for i in range(8):
        assert set(globals_drawn[:, i]) == set(range(10 * i, 10 * i + 10))


@given(st.integers(32, 400), st.one_of(st.none(), SEEDS))
def test_adjacent_local_clips_follow_one_another(n, seed):
    clips = Segments(locals_are="adjacent").views(n, None if seed is None else rng(seed))["local"]
    assert clips[1, 0] - clips[0, 0] == 16
    assert clips[1, -1] < n and clips[0, -1] < clips[1, 0]


def test_adjacent_clips_lie_in_the_middle_of_evaluation_and_anywhere_in_training():
    sampler = Segments(locals_are="adjacent")
    assert sampler.views(40, None)["local"][:, 0].tolist() == [4, 20]
    assert {int(sampler.views(40, rng(seed))["local"][0, 0]) for seed in range(200)} == set(range(9))
    ordered = Ordered(interval=1, placed="adjacent")
    assert ordered.views(30, None)["ordered"][:, 0].tolist() == [3, 11, 19]
    assert {int(ordered.views(30, rng(seed))["ordered"][0, 0]) for seed in range(200)} == set(range(7))


@given(st.integers(15, 400), st.one_of(st.none(), SEEDS))
def test_clips_for_order_learning_start_at_three_different_frames_even_in_short_videos(n, seed):
    clips = Ordered(interval=1).unbounded(n, None if seed is None else rng(seed))["ordered"]
    assert clips.shape == (3, 8) and (np.diff(clips, axis=1) == 1).all()
    assert (np.diff(clips[:, 0]) > 0).all()
    assert clips[2, -1] < n or n < 15


def test_a_sampler_may_be_deterministic_in_training_too():
    for seed in range(5):
        drawn = Grid(deterministic=True).views(200, rng(seed))
        assert all(np.array_equal(drawn[name], frames) for name, frames in Grid().views(200, None).items())
    assert not np.array_equal(Grid().views(200, rng(0))["local"], Grid().views(200, None)["local"])


def test_views_that_are_not_asked_for_are_not_there():
    assert set(Grid(global_columns=()).views(50, None)) == {"local"}
    assert set(Grid(local_rows=()).views(50, None)) == {"global"}
    assert set(Segments(global_views=0, local_views=3).views(50, None)) == {"local"}
    assert Segments(global_views=0, local_views=3).views(50, None)["local"].shape == (3, 8)
    assert set(Segments(local_views=0).views(50, rng(0))) == {"global"}
    assert Segments(global_views=3, local_views=0).views(50, None)["global"].shape == (3, 8)


def test_frames_past_the_end_start_again_or_hold_the_last():
    frames = np.array([[0, 2, 4, 6, 8]])
    assert within(frames, 5, "wrap").tolist() == [[0, 2, 4, 1, 3]]
    assert within(frames, 5, "repeat_last").tolist() == [[0, 2, 4, 4, 4]]


@given(LENGTHS, SEEDS)
def test_held_at_the_last_frame_time_never_runs_backwards(n, seed):
    for frames in Segments(short="repeat_last").views(n, rng(seed)).values():
        for clip in frames.tolist():
            assert all(a <= b for a, b in pairwise(clip))


def test_a_sampler_refuses_what_it_does_not_know():
    with pytest.raises(ValidationError, match="did you mean 'interval'"):
        Grid(intervall=2)  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="abstract"):
        Sampler()  # pyright: ignore[reportAbstractUsage]


@pytest.mark.parametrize("wrong", [{"local_rows": (4, 8)}, {"global_columns": (-1,)}, {"clips": 4}])
def test_a_view_outside_the_grid_is_refused(wrong):
    with pytest.raises(ValidationError, match=r"local_rows|global_columns"):
        Grid(**wrong)


@pytest.mark.parametrize("sampler", [Grid(), Segments()])
@pytest.mark.parametrize("train", [True, False])
def test_ordered_clips_are_a_view_besides_the_others(sampler: Sampler, train: bool):
    wider = sampler.model_copy(update={"ordered_clips": 3})
    first, second = (np.random.default_rng(5) if train else None for _ in range(2))
    views, others = wider.views(100, first), sampler.views(100, second)
    assert views["ordered"].shape == (3, 8) and (np.diff(views["ordered"][:, 0]) > 0).all()
    assert all(np.array_equal(views[name], others[name]) for name in others) and "ordered" not in others


# CO2A


def test_quarters_of_64_frames_are_the_frames_in_order():
    views = Quarters().views(64, None)
    assert set(views) == {"ordered"} and views["ordered"].shape == (4, 16)
    assert views["ordered"].ravel().tolist() == list(range(64))
    assert Quarters().views(67, None)["ordered"].ravel().tolist() == list(range(64)), "the last three fit no quarter"


def test_quarters_of_300_frames_by_hand():
    """A quarter has 75 frames, a sixteenth of it 4.6875: the middles are 2.34, 7.03, 11.7 ... 72.66."""
    clips = Quarters().views(300, None)["ordered"]
    assert clips[0].tolist() == [2, 7, 11, 16, 21, 25, 30, 35, 39, 44, 49, 53, 58, 63, 67, 72]
    for q in range(4):
        assert np.array_equal(clips[q], clips[0] + 75 * q) and clips[q, 0] >= 75 * q and clips[q, -1] <= 75 * q + 74


def test_frames_of_a_short_quarter_repeat():
    """33 frames are quarters of 8, 16 frames quarters of 4: every frame is seen twice, or four times."""
    assert Quarters().views(33, None)["ordered"][1].tolist() == [8 + x // 2 for x in range(16)]
    assert Quarters().views(16, None)["ordered"][3].tolist() == [12 + x // 4 for x in range(16)]


def test_a_video_shorter_than_a_clip_starts_over_or_holds_its_last_frame():
    """15 frames count as 16, the 16th of which is the first again; 1 frame is always itself."""
    assert Quarters().views(15, None)["ordered"][3].tolist() == [12] * 4 + [13] * 4 + [14] * 4 + [0] * 4
    assert Quarters(short="repeat_last").views(15, None)["ordered"][3].tolist() == [12] * 4 + [13] * 4 + [14] * 8
    assert not Quarters().views(1, None)["ordered"].any()
    assert Quarters(clips=8, length=2).views(3, None)["ordered"].tolist() == [[k % 3] * 2 for k in range(8)]


@given(st.integers(1, 400), SEEDS)
def test_quarters_are_as_the_release_computes_them_in_training_too(n, seed):
    clips = Quarters().views(n, rng(seed))["ordered"]
    if n >= 16:
        tick = (n // 4) / 16
        assert clips.tolist() == [[n // 4 * q + int(tick / 2 + tick * x) for x in range(16)] for q in range(4)]
        assert (np.diff(clips.ravel()) >= 0).all()


def test_drawn_frames_are_sorted_and_from_anywhere_in_the_video():
    sampler = Quarters(frames="drawn")
    drawn = np.stack([sampler.views(20, rng(seed))["ordered"].ravel() for seed in range(100)])
    assert drawn.shape == (100, 64) and (np.diff(drawn, axis=1) >= 0).all()
    assert set(drawn.ravel()) == set(range(20)) and len({tuple(row) for row in drawn.tolist()}) == 100
    assert abs(drawn.mean() - 9.5) < 0.3
    fixed = Quarters().views(20, None)["ordered"]
    assert np.array_equal(sampler.views(20, None)["ordered"], fixed), "evaluation draws nothing"
    still = Quarters(frames="drawn", deterministic=True)
    assert np.array_equal(still.views(20, rng(0))["ordered"], fixed)


def test_quarters_have_no_interval():
    with pytest.raises(ValidationError, match="interval=4 has no meaning"):
        Quarters(interval=4)
    assert Sampler.model_validate(Quarters(clips=3).model_dump()) == Quarters(clips=3)


# the nodes of CoMix: length, repeats, first frame of every clip of evaluation
NODES_BY_HAND = [
    (1, 72, [0] * 16),
    (15, 5, [0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12]),
    (36, 2, list(range(0, 32, 2))),
    (71, 2, [0, 6, 10, 14, 18, 22, 26, 30, 34, 38, 42, 46, 50, 54, 58, 62]),
    (72, 1, list(range(0, 64, 4))),
    (143, 1, [0, 12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100, 108, 116, 124]),
]


@pytest.mark.parametrize(("n", "repeats", "starts"), NODES_BY_HAND)
def test_the_nodes_of_evaluation(n, repeats, starts):
    """15 frames become 75 and 16 slots, 71 become 142 and 33, of which the first run has three; 143 also give 33."""
    clips = Nodes().views(n, None)["ordered"]
    assert clips.shape == (16, 8) and clips.dtype == np.int64
    assert clips[:, 0].tolist() == starts
    if repeats == 1:
        assert all(clip == list(range(start, start + 8)) for clip, start in zip(clips.tolist(), starts, strict=True))


def test_a_slowed_video_shows_each_frame_in_place_as_often_as_it_was_repeated():
    """75 frames 000001111122222...; the clips start at 0, 4, 8, ..., 60 of these."""
    slow = np.repeat(np.arange(15), 5)
    assert Nodes().least == 72 and len(slow) == 75
    clips = Nodes().views(15, None)["ordered"].tolist()
    assert clips[0] == [0, 0, 0, 0, 0, 1, 1, 1] and clips[1] == [0, 1, 1, 1, 1, 1, 2, 2]
    assert clips == [slow[start : start + 8].tolist() for start in range(0, 64, 4)]
    assert Nodes().views(15, rng(0))["ordered"].tolist() == clips, "16 slots leave nothing to draw"


def test_every_slot_is_drawn_and_only_by_its_run():
    """150 frames: 35 slots, the first three runs have three of them, the others two."""
    drawn = np.stack([Nodes().views(150, rng(seed))["ordered"][:, 0] for seed in range(200)])
    runs = [[0, 1, 2], [3, 4, 5], [6, 7, 8], *([k, k + 1] for k in range(9, 35, 2))]
    assert [sorted(set(column)) for column in drawn.T.tolist()] == [[4 * slot for slot in run] for run in runs]


@given(
    LENGTHS, st.one_of(st.none(), SEEDS), st.integers(1, 20), st.integers(1, 9), st.integers(1, 3), st.integers(1, 9)
)
def test_nodes_are_in_order_and_need_no_frame_past_the_end(n, seed, clips, length, interval, grid):
    sampler = Nodes(clips=clips, length=length, interval=interval, grid=grid)
    repeats = math.ceil(sampler.least / n)
    found = sampler.unbounded(n, None if seed is None else rng(seed))["ordered"]
    assert found.shape == (clips, length) and found.min() >= 0 and found.max() < n
    assert (np.diff(found, axis=1) >= 0).all() and (np.diff(found[:, 0]) >= 0).all()
    if repeats == 1:
        assert (np.diff(found, axis=1) == interval).all() and (found[:, 0] % grid == 0).all()
        assert (np.diff(found[:, 0]) > 0).all()
    assert n * repeats >= sampler.least and (repeats == 1 or n * (repeats - 1) < sampler.least)
