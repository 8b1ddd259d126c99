"""The gaps are what Equations 1 and 2 say, on cases done by hand, by loops, and on the released lists."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from glad.errors import UserError
from glad.gaps import (
    accuracy_gap,
    accuracy_gap_interval,
    class_balance,
    nearest_distances,
    scene_gap,
    scene_spread,
    temporal_gap,
)
from glad.metrics import video_scores

LENGTHS = st.lists(st.integers(1, 400), min_size=1, max_size=12)


def test_lengths_by_hand():
    assert temporal_gap([10], [25]) == 15
    # CDFs of {10, 20} and {10, 40} differ by 1/2 between 20 and 40.
    assert temporal_gap([10, 20], [10, 40]) == 10
    # {0, 6} and {0, 3, 6}: by 1/2 - 1/3 between 0 and 3, by 2/3 - 1/2 between 3 and 6.
    assert temporal_gap([0, 6], [0, 3, 6]) == pytest.approx(1.0)


def area_between(p: list[int], q: list[int]) -> float:
    """Eq. 2 by a loop over every frame: all lengths are whole numbers, so the CDFs step only there."""
    area = 0.0
    for x in range(max(p + q)):
        area += abs(sum(n <= x for n in p) / len(p) - sum(n <= x for n in q) / len(q))
    return area


@given(LENGTHS, LENGTHS, st.integers(0, 300))
def test_lengths_agree_with_the_area_and_with_scipy(p, q, c):
    gap = temporal_gap(p, q)
    assert gap == pytest.approx(area_between(p, q), abs=1e-9)
    assert gap == wasserstein_distance(p, q)
    assert gap == pytest.approx(temporal_gap(q, p))
    assert temporal_gap(p, p) == 0
    assert temporal_gap(p, [n + c for n in p]) == pytest.approx(c)
    assert temporal_gap(p * 3, q) == pytest.approx(gap), "a distribution, not a sum"


def test_lengths_of_the_released_lists(shared_data):
    """methods.md 5.5 and Table 1: 182.1."""
    from glad.data.listing import open_listing

    def lengths(name: str) -> list[int]:
        listing = open_listing(shared_data / "kinetics2babel" / name, labelled=True)
        return [listing[index].frames or 0 for index in range(len(listing))]

    train = lengths("k400_train.txt"), lengths("babel_train.txt")
    test = lengths("k400_test.txt"), lengths("babel_test.txt")
    assert temporal_gap(*train) == pytest.approx(182.1437, abs=5e-5)
    assert temporal_gap(*test) == pytest.approx(183.8364, abs=5e-5)
    assert temporal_gap(train[0] + test[0], train[1] + test[1]) == pytest.approx(182.3122, abs=5e-5)


def test_scenes_by_hand():
    east, north, between = [1.0, 0.0], [0.0, 1.0], [math.sqrt(0.5), math.sqrt(0.5)]
    gap = scene_gap(np.array([east, north]), np.array([east]))
    assert (gap.source_to_target, gap.target_to_source, gap.value) == (0.5, 0.0, 0.25)
    gap = scene_gap(np.array([between]), np.array([east, north]))
    assert gap.value == pytest.approx(1 - math.sqrt(0.5))
    assert scene_gap(np.array([east]), np.array([[-1.0, 0.0]])).value == 2
    assert scene_spread(np.array([east, north])) == 1
    assert scene_spread(np.array([east, north, east])) == pytest.approx(1 / 3)
    assert scene_spread(np.array([east])) is None


def units(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    vectors = rng.uniform(0, 1, (n, d)) + 1e-3
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 99))
def test_scenes_in_blocks_are_scenes_at_once(n, m, block, seed):
    rng = np.random.default_rng(seed)
    u, v = units(rng, n, 6), units(rng, m, 6)
    dense = [[1 - sum(float(a) * float(b) for a, b in zip(x, y, strict=True)) for y in v] for x in u]
    there = sum(min(row) for row in dense) / n
    back = sum(min(dense[i][j] for i in range(n)) for j in range(m)) / m
    gap = scene_gap(u, v, block)
    assert (gap.source_to_target, gap.target_to_source) == pytest.approx((there, back), abs=1e-6)
    assert gap.value == pytest.approx((there + back) / 2, abs=1e-6)
    assert gap.value == pytest.approx(scene_gap(u, v, 100).value, abs=1e-12)
    swapped = scene_gap(v, u, block)
    assert (swapped.value, swapped.source_to_target) == pytest.approx((gap.value, gap.target_to_source), abs=1e-12)
    assert 0 <= gap.value <= 1


@given(st.integers(2, 9), st.integers(1, 5), st.integers(0, 99))
def test_inside_a_domain_a_video_is_not_its_own_neighbour(n, block, seed):
    u = units(np.random.default_rng(seed), n, 4)
    alone = [min(1 - float(u[i] @ u[j]) for j in range(n) if j != i) for i in range(n)]
    assert scene_spread(u, block) == pytest.approx(np.mean(alone), abs=1e-6)


def test_identical_scenes_are_at_0_and_orthogonal_ones_at_1():
    u = units(np.random.default_rng(0), 50, 32)
    assert scene_gap(u, u[::-1], 7).value == pytest.approx(0, abs=1e-6)
    assert scene_gap(np.eye(6)[:3], np.eye(6)[3:], 2).value == 1


def test_vectors_of_another_length_than_1_are_a_mistake():
    with pytest.raises(AssertionError, match="length 1"):
        nearest_distances(np.eye(2) * 2, np.eye(2))


def test_classes_by_hand():
    found = class_balance([0, 0, 0, 1], [0, 1, 1, 1], 3)
    assert (found.source, found.target) == ((3, 1, 0), (1, 3, 0))
    assert (found.source_imbalance, found.target_imbalance) == (3, 3)
    assert found.total_variation == 0.5
    # Jensen-Shannon: the mean (1/2, 1/2) from either side, each KL 3/4 log2(3/2) + 1/4 log2(1/2).
    assert found.jensen_shannon == pytest.approx(math.sqrt(0.75 * math.log2(1.5) - 0.25))
    apart = class_balance([0, 0], [1], 2)
    assert apart.total_variation == apart.jensen_shannon == 1
    alike = class_balance([0, 1, 1], [1, 0, 1, 1, 1, 0], 2)
    assert alike.total_variation == pytest.approx(0) and alike.jensen_shannon == pytest.approx(0)


def scores(labels: list[int], predicted: list[int], k: int = 3):
    return video_scores(labels, np.eye(k)[predicted])


def test_accuracy_by_hand():
    labels = [0, 0, 1, 1]
    gap = accuracy_gap(scores(labels, [0, 1, 2, 2]), scores(labels, [0, 0, 1, 0]))
    assert (gap.source_only, gap.supervised, gap.value) == (25, 75, 50)
    assert gap.per_class == (50, 50, None) and gap.interval is None
    with pytest.raises(UserError, match=r"different videos \(4 and 3, or other classes\)"):
        accuracy_gap(scores(labels, labels), scores([0, 1, 1], [0, 1, 1]))


def test_the_interval_holds_the_gap_and_closes_where_nothing_varies():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 30)
    worse = np.where(rng.uniform(size=90) < 0.3, labels, (labels + 1) % 3)
    better = np.where(rng.uniform(size=90) < 0.8, labels, (labels + 1) % 3)
    low, high = accuracy_gap_interval(labels, worse, better)
    gap = 100 * ((better == labels).mean() - (worse == labels).mean())
    assert low < gap < high and high - low < 40
    assert accuracy_gap_interval(labels, (labels + 1) % 3, labels) == (100, 100)
    assert accuracy_gap_interval(labels, worse, worse) == (0, 0)
