"""What samplers do to short videos: by hand, and the shares of the released lists under the release sampler."""

import numpy as np
import pytest

from glad.check.clips import ViewCounts, clip_span, view_counts
from glad.data.listing import open_listing
from glad.sampling import Grid, Nodes, Ordered, Quarters, Segments


def test_the_release_sampler_on_single_videos():
    assert view_counts(Grid(), np.array([300]), False) == {"global": ViewCounts(1, 8), "local": ViewCounts(2, 8)}
    views = view_counts(Grid(), np.array([11]), False)  # global: 6, eight times; local: 0 2 4 6 8 10 1 3, twice
    assert views["global"] == ViewCounts(1, 8, still=1, repeats=1, narrow=1)
    assert views["local"] == ViewCounts(2, 8, past_end=1, overlap=1, coincide=1)
    views = view_counts(Grid(), np.array([18]), False)  # global: 6 6 6 7 7 8 8 8; local from 1 and from 2
    assert views["global"] == ViewCounts(1, 8, repeats=1, narrow=1)
    assert views["local"] == ViewCounts(2, 8, overlap=1)


def test_a_clip_that_would_pass_the_end_holds_its_last_frame():
    views = view_counts(Segments(short="repeat_last", local_views=1), np.array([10, 10]), False)
    assert views["local"] == ViewCounts(1, 8, past_end=2, repeats=2)


def test_unknown_lengths_are_left_out_and_training_is_a_mean_over_draws():
    assert view_counts(Grid(), np.array([-1, -1]), True) == {}
    views = view_counts(Segments(local_views=2), np.array([17, 17, -1]), True)  # starts from 0 and 1
    assert 0 < views["local"].coincide < 2 and views["local"].overlap == 2
    fixed = Grid(deterministic=True)
    assert view_counts(fixed, np.array([40, 20]), True) == view_counts(fixed, np.array([40, 20]), False)


@pytest.mark.parametrize("sampler", [Quarters(), Nodes(), Ordered(), Grid(ordered_clips=3)])
def test_every_sampler_can_be_asked(sampler):
    views = view_counts(sampler, np.array([1, 5, 16, 300]), True)
    assert all(0 <= view.repeats <= 4 for view in views.values()) and "ordered" in views
    assert clip_span(sampler) == 16 if not isinstance(sampler, Nodes) else 8


@pytest.mark.parametrize(
    ("name", "repeats", "narrow", "overlap", "coincide"),
    [("babel_train", 8.8, 18.8, 83, 3.7), ("babel_test", 8.8, 16.6, 79, 3.1), ("k400_train", 0.1, 0.2, 9, 0.0)],
)
def test_the_released_lists_under_the_release_sampler(name, repeats, narrow, overlap, coincide, shared_data):
    file = shared_data / "kinetics2babel" / f"{name}.txt"
    lengths = open_listing(file, labelled=True, refuse=lambda line, text: None).lengths
    views = view_counts(Grid(), lengths, False)
    share = 100 / len(lengths)
    assert round(share * views["global"].repeats, 1) == pytest.approx(repeats, abs=0.051)
    assert round(share * views["global"].narrow, 1) == narrow
    assert round(share * views["local"].overlap) == overlap and round(share * views["local"].coincide, 1) == coincide
