"""What lies apart is drawn apart and told apart; what is one is not."""

import re

import numpy as np
import pytest

from glad.features import Features
from glad.report.embedding import MOST, class_colours, domains_told, embedded, feature_space, sampled_features, scatter


def features(gap: float, n: int = 30, m: int = 20, d: int = 6, seed: int = 0) -> Features:
    """Return features of two classes, 8 apart, of domains that are `gap` apart."""
    rng = np.random.default_rng(seed)
    labels = [np.arange(count) % 2 for count in (n, m)]
    points = [rng.normal(size=(len(label), d)) + 8 * label[:, None] * np.eye(d)[0] for label in labels]
    return Features(points[0], labels[0], points[1] + gap * np.eye(d)[1], labels[1], 0)


def test_pictures_keep_classes_apart_and_repeat_themselves():
    given = features(gap=0)
    found = embedded(given)
    assert found is not None and list(found) == ["PCA", "t-SNE"]
    labels = np.concatenate([given.source_labels, given.target_labels])
    for points in found.values():
        assert points.shape == (50, 2)
        inside = np.linalg.norm(points[labels == 0] - points[labels == 0].mean(0), axis=1).max()
        assert np.linalg.norm(points[labels == 1] - points[labels == 0].mean(0), axis=1).min() > inside
    again = embedded(given)
    assert again is not None and all(np.array_equal(found[name], again[name]) for name in found)


def test_pca_of_a_plane_is_the_plane_turned():
    given = features(gap=3, d=2)
    found = embedded(given)
    assert found is not None
    points = np.concatenate([given.source, given.target])
    distances = [np.linalg.norm(each[:, None] - each, axis=-1) for each in (points, found["PCA"])]
    np.testing.assert_allclose(*distances, atol=1e-9)


def test_domains_far_apart_are_told_and_equal_ones_are_guessed():
    assert domains_told(features(gap=12)) == 1.0
    guessed = domains_told(features(gap=0, n=300, m=100))
    assert guessed is not None and abs(guessed - 0.5) < 0.1


@pytest.mark.parametrize("given", [features(0, n=3), Features(*[np.ones((9, 2)), np.zeros(9)] * 2, step=0)])
def test_too_few_videos_or_features_that_are_all_the_same_make_no_picture(given):
    assert embedded(given) is None and feature_space([("a", given)], ["x", "y"]) == []


def test_features_of_width_one_lie_on_a_line():
    found = embedded(features(gap=2, d=2))
    line = embedded(
        Features(*(x for side in (np.arange(9.0), np.arange(9.0) + 3) for x in (side[:, None], np.zeros(9))), 0)
    )
    assert found is not None and line is not None and np.array_equal(line["PCA"][:, 1], np.zeros(18))


def test_every_video_has_a_mark_of_its_class_and_domain():
    given = features(gap=1, n=7, m=5)
    points = np.random.default_rng(0).normal(size=(12, 2))
    text = str(scatter("PCA, a<b", points, given, ["left", "right"]))
    assert "a&lt;b" in text
    marks = {}
    for domain, k, path in re.findall(r'class="(source|target) k(\d)" d="([^"]+)"', text):
        marks[domain, int(k)] = path.count("M")
    assert marks == {("source", 0): 4, ("source", 1): 3, ("target", 0): 3, ("target", 1): 2}
    numbers = [float(x) for x in re.findall(r"M([\d.]+) ", text)]
    assert min(numbers) >= 7.9 and max(numbers) <= 312.1


def test_of_many_videos_some_are_drawn():
    few = sampled_features(features(gap=1, n=2 * MOST, m=5))
    assert len(few.source) == len(few.source_labels) == MOST and len(few.target) == 5


def test_every_class_has_a_colour_of_its_own():
    assert len(set(class_colours(40))) == 40
