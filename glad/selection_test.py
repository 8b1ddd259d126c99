"""Every rule by hand, within its bounds, and restated; what a collapsed classifier does to each of them."""

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glad import selection
from glad.errors import UserError
from glad.recipe import RuleName
from glad.selection import LABEL_FREE, RULES, Labelled, Unlabelled, bnm, chosen, class_cluster, entropy, infomax, snd

HALVES = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.5, 0.5]])


def said(probabilities: object, features: object = None) -> Unlabelled:
    chances = np.array(probabilities, dtype=np.float64)
    return Unlabelled(chances, chances if features is None else np.array(features, dtype=np.float64))


def drawn(videos: int, classes: int, seed: int, concentration: float = 1.0) -> Unlabelled:
    rng = np.random.default_rng([seed])
    return said(rng.dirichlet(np.full(classes, concentration), videos), rng.normal(size=(videos, 5)))


# by hand


def test_entropy_and_information_by_hand():
    assert entropy(said(HALVES)) == pytest.approx(-math.log(2) / 2)
    assert infomax(said(HALVES)) == pytest.approx(math.log(2) / 2)


def test_bnm_by_hand():
    # P'P is [[1.5, 0.5], [0.5, 1.5]], its eigenvalues 2 and 1; the bound is sqrt(4 * 2).
    assert bnm(said(HALVES)) == pytest.approx((math.sqrt(2) + 1) / math.sqrt(8))


def test_density_by_hand():
    # Each of two pairs of equal predictions, at right angles to the other: one neighbour at 1, two at 0.
    near, far = math.exp(1 / 0.05), 1.0
    shares = np.array([near, far, far]) / (near + 2 * far)
    expected = -sum(share * math.log(share) for share in shares)
    assert snd(said([[1, 0], [1, 0], [0, 1], [0, 1]])) == pytest.approx(expected)
    # Of two videos, one neighbour each, and nothing to be unsure of; of one video, none.
    assert snd(said([[1, 0], [0, 1]])) == 0.0
    assert snd(said([[1, 0]])) == 0.0


def test_clusters_by_hand():
    features = [[3, 0], [4, 0.1], [0, 1], [0.1, 9]]
    assert class_cluster(said([[1, 0], [1, 0], [0, 1], [0, 1]], features)) == pytest.approx(1.0)
    # Classes across the clusters know nothing of them, and less than chance would.
    assert class_cluster(said([[1, 0], [0, 1], [1, 0], [0, 1]], features)) < 0.0
    # Long features are no cluster of their own: only directions count.
    assert class_cluster(said([[1, 0], [1, 0], [0, 1], [0, 1]], [[1, 0], [900, 0], [0, 1], [0, 1]])) == 1.0


def test_accuracies_are_means_over_classes():
    three = Labelled(np.eye(2)[[0, 0, 0]], np.array([0, 0, 1]))
    assert selection.source_val(three) == selection.oracle(three) == 0.5


# bounds

videos, classes, seeds = st.integers(1, 12), st.integers(2, 6), st.integers(0, 10**6)


@settings(max_examples=60, deadline=None)
@given(videos, classes, seeds, st.sampled_from([0.02, 1.0, 50.0]))
def test_values_stay_within_their_bounds(n, k, seed, concentration):
    target = drawn(n, k, seed, concentration)
    little = 1e-9
    assert -math.log(k) - little <= entropy(target) <= 0.0
    assert -little <= infomax(target) <= math.log(k) + little
    assert -little <= snd(target) <= math.log(max(n - 1, 1)) + little
    assert 1 / math.sqrt(k * min(n, k)) - little <= bnm(target) <= 1.0 + little
    assert class_cluster(target) <= 1.0 + little


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), classes, seeds)
def test_the_order_of_videos_and_the_names_of_classes_change_nothing(n, k, seed):
    target = drawn(n, k, seed)
    rng = np.random.default_rng([seed, 1])
    order, names = rng.permutation(n), rng.permutation(k)
    other = Unlabelled(target.probabilities[order][:, names], target.features[order])
    for name in ("entropy", "infomax", "snd", "bnm"):
        assert LABEL_FREE[name](other) == pytest.approx(LABEL_FREE[name](target)), name


def test_the_best_values_are_those_of_sure_and_even_predictions():
    even = said(np.repeat(np.eye(4), 3, axis=0))
    assert entropy(even) == 0.0
    assert infomax(even) == pytest.approx(math.log(4))
    assert bnm(even) == pytest.approx(1.0)
    assert class_cluster(even) == pytest.approx(1.0)


# restated


def density_restated(target: Unlabelled) -> float:
    rows = [[float(p) for p in row] for row in target.probabilities]
    total = 0.0
    for i, one in enumerate(rows):
        weights = []
        for j, other in enumerate(rows):
            if j != i:
                lengths = math.sqrt(sum(a * a for a in one)) * math.sqrt(sum(b * b for b in other))
                weights.append(math.exp(sum(a * b for a, b in zip(one, other, strict=True)) / lengths / 0.05))
        for weight in weights:
            share = weight / sum(weights)
            total -= share * math.log(share)
    return total / len(rows)


def entropy_restated(rows: list[list[float]]) -> float:
    return sum(-p * math.log(p) for row in rows for p in row if p > 0) / len(rows)


def test_values_agree_with_loops(monkeypatch):
    monkeypatch.setattr(selection, "BLOCK", 3)  # the last block of eight rows is short
    for seed in range(3):
        target = drawn(8, 4, seed)
        rows = target.probabilities.tolist()
        mean = [sum(row[c] for row in rows) / len(rows) for c in range(4)]
        gram = target.probabilities.T @ target.probabilities
        norm = sum(math.sqrt(max(value, 0.0)) for value in np.linalg.eigvalsh(gram))
        assert snd(target) == pytest.approx(density_restated(target))
        assert entropy(target) == pytest.approx(-entropy_restated(rows))
        assert infomax(target) == pytest.approx(entropy_restated([mean]) - entropy_restated(rows))
        assert bnm(target) == pytest.approx(norm / math.sqrt(8 * 4))


# what a rule falls for


def test_a_collapsed_classifier_has_the_best_entropy_and_density_and_no_information():
    collapsed = said(np.eye(4)[np.zeros(40, dtype=int)], np.ones((40, 3)))
    useful = said(0.9 * np.eye(4)[np.arange(40) % 4] + 0.025, np.eye(4)[np.arange(40) % 4])
    for fooled in ("entropy", "snd"):
        assert LABEL_FREE[fooled](collapsed) > LABEL_FREE[fooled](useful), fooled
    for sound in ("infomax", "bnm", "class_cluster"):
        assert LABEL_FREE[sound](collapsed) < LABEL_FREE[sound](useful), sound
    assert entropy(collapsed) == 0.0 and infomax(collapsed) == class_cluster(collapsed) == 0.0
    assert snd(collapsed) == pytest.approx(math.log(39))


def test_fewer_videos_or_distinct_features_than_classes_are_no_obstacle():
    assert class_cluster(said(np.eye(5)[[0, 1, 2]])) == pytest.approx(1.0)
    same = class_cluster(said(np.eye(3)[[0, 1, 2, 0, 1, 2]], np.ones((6, 2))))
    assert same == pytest.approx(0.0, abs=1e-9)
    assert math.isfinite(class_cluster(said(np.eye(3)[[0, 1, 2]], np.zeros((3, 2)))))


def test_clusters_repeat_themselves():
    target = drawn(200, 6, 3)
    assert class_cluster(target) == class_cluster(target)


# choosing


def candidate(step: int, test: float, **values: float | None) -> dict:
    return {"step": step, "test": test, **dict.fromkeys((*LABEL_FREE, "source_val")), **values}


def test_the_highest_value_wins_and_of_equals_the_later():
    runs = [candidate(100, 0.5, entropy=-0.2), candidate(200, 0.9, entropy=-0.1), candidate(300, 0.4, entropy=-0.1)]
    for candidates in (runs, runs[::-1]):
        assert chosen("last", candidates) == 300
        assert chosen("oracle", candidates) == 200
        assert chosen("entropy", candidates) == 300


def test_a_rule_without_its_numbers_chooses_nothing_unless_there_is_no_choice():
    runs = [candidate(100, 0.5), candidate(200, 0.9)]
    assert chosen("source_val", runs) is None and chosen("snd", runs) is None
    assert {chosen(rule, runs[:1]) for rule in RULES} == {100}


def test_recipes_know_these_rules_and_no_others():
    assert get_args(RuleName) == RULES


def test_predictions_that_are_not_finite_are_refused():
    with pytest.raises(UserError, match="features are not finite on 2 videos"):
        said(np.eye(2), [[0.0, 1.0], [math.nan, 1.0]])
