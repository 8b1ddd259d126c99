"""Mean class accuracy by hand, its interval, and agreement with scikit-learn."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from glad.errors import UserError
from glad.metrics import Scores, bootstrap_interval, video_scores


def one_hot(predictions: list[int], classes: int) -> np.ndarray:
    return np.eye(classes)[predictions]


def test_a_class_without_videos_is_left_out_even_when_it_is_predicted():
    scores = video_scores([0, 0, 1, 1], one_hot([0, 2, 1, 1], classes=3))
    assert scores.mean_class_accuracy == 0.75
    assert scores.top1 == 0.75
    assert scores.per_class == (0.5, 1.0, None)
    assert scores.support == (2, 2, 0)
    assert scores.confusion == ((1, 0, 1), (0, 2, 0), (0, 0, 0))


def test_saying_always_the_same_is_right_for_one_class_in_twelve():
    labels = [k for k in range(12) for _ in range(k + 1)]
    scores = video_scores(labels, one_hot([11] * len(labels), classes=12))
    assert scores.mean_class_accuracy == pytest.approx(1 / 12)
    assert scores.top1 == pytest.approx(12 / len(labels))


def test_equal_probabilities_go_to_the_lower_class_in_top1_and_top5():
    even = np.full((6, 6), 1 / 6)
    scores = video_scores(np.arange(6), even)
    assert scores.top1 == pytest.approx(1 / 6)
    assert scores.per_class[0] == 1.0
    assert scores.top5 == pytest.approx(5 / 6)
    assert scores.per_class[5] == 0.0


def test_top5_of_three_classes_is_certain():
    assert video_scores([0, 1, 2], one_hot([1, 2, 0], classes=3)).top5 == 1.0


def test_agrees_with_scikit_learn_when_every_class_has_videos():
    rng = np.random.default_rng([3])
    labels = np.concatenate([np.arange(12), rng.choice(12, size=200, p=np.arange(1, 13) / 78)])
    probabilities = rng.dirichlet(np.ones(12), size=len(labels))
    scores = video_scores(labels, probabilities)
    assert scores.mean_class_accuracy == pytest.approx(balanced_accuracy_score(labels, probabilities.argmax(1)))
    assert scores.top5 == pytest.approx(top_k_accuracy_score(labels, probabilities, k=5))
    assert scores.top1 <= scores.top5
    assert sum(map(sum, scores.confusion)) == len(labels)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(2, 9), st.integers(0, 10**6))
def test_renaming_the_classes_and_reordering_the_videos_changes_nothing(videos, classes, seed):
    rng = np.random.default_rng([seed])
    labels, chances = rng.integers(0, classes, videos), rng.random((videos, classes))
    order, names = rng.permutation(videos), rng.permutation(classes)
    renamed = video_scores(names[labels][order], chances[order][:, np.argsort(names)])
    assert renamed.mean_class_accuracy == pytest.approx(video_scores(labels, chances).mean_class_accuracy)
    assert renamed.top1 == pytest.approx(video_scores(labels, chances).top1)


def test_scores_come_back_from_json_as_they_were():
    scores = video_scores([0, 0, 1], one_hot([0, 2, 1], classes=3))
    text = json.dumps({"select": "last", **scores.to_dict()}, allow_nan=False)
    assert Scores.from_dict(json.loads(text)) == scores


def test_missing_scores_are_named():
    with pytest.raises(UserError, match="top5, per_class"):
        Scores.from_dict({"mean_class_accuracy": 0.5, "top1": 0.5, "support": [], "confusion": []})


@pytest.mark.parametrize(
    ("labels", "probabilities", "words"),
    [
        ([], np.zeros((0, 3)), "no test video"),
        ([0, 3], np.zeros((2, 3)), "labelled 3.*classes 0..2"),
        ([0, -1], np.zeros((2, 3)), "labelled -1"),
        ([0, 1], [[1.0, 0.0], [np.nan, 0.0]], "test video 1 .*not finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(labels, probabilities, words):
    with pytest.raises(UserError, match=words):
        video_scores(labels, probabilities)


def test_the_interval_is_a_point_when_nothing_can_vary():
    assert bootstrap_interval([0, 1, 1], [0, 1, 1], seed=0) == (1.0, 1.0)
    # Class 0 is always right, class 1 always wrong: no draw within the classes can change that.
    assert bootstrap_interval([0, 0, 1, 1], [0, 0, 0, 0], seed=0) == (0.5, 0.5)


def test_the_interval_matches_the_binomial_spread_and_repeats_with_its_seed():
    labels = np.repeat([0, 1], 400)
    predictions = np.where(np.arange(800) % 2 == 0, labels, 1 - labels)  # half of each class right
    low, high = bootstrap_interval(labels, predictions, seed=5)
    half_width = 1.96 * np.sqrt(0.25 / 400 / 2)  # two independent class recalls of 0.5, averaged
    assert low == pytest.approx(0.5 - half_width, abs=0.006)
    assert high == pytest.approx(0.5 + half_width, abs=0.006)
    assert bootstrap_interval(labels, predictions, seed=5) == (low, high)
    assert bootstrap_interval(labels, predictions, seed=6) != (low, high)


def test_several_runs_give_the_interval_of_their_mean():
    labels = np.repeat([0, 1], 50)
    right, wrong = labels, 1 - labels
    assert bootstrap_interval(labels, np.stack([right, wrong]), seed=0) == (0.5, 0.5)
    one = np.where(np.arange(100) % 2 == 0, right, wrong)
    assert bootstrap_interval(labels, np.stack([one, one]), seed=1) == bootstrap_interval(labels, one, seed=1)


def test_probabilities_in_place_of_classes_are_a_programming_error():
    with pytest.raises(AssertionError, match="class numbers"):
        bootstrap_interval([0, 1], [0.2, 0.9], seed=0)
