"""Features of source and target videos as points in the plane, coloured by class and marked by domain."""

import warnings
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from markupsafe import Markup
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from glad.features import Features, evenly

MOST = 500  # videos of either domain
FEWEST = 4  # videos of either domain
SEED = 0
SIDE, MARGIN = 320, 8
FOLDS = 5


def embedded(features: Features) -> dict[str, np.ndarray] | None:
    """Return `{"PCA": (n + m, 2), "t-SNE": (n + m, 2)}` of n source and m target videos; None of too few videos.

    Both are of source and target together. t-SNE sees the first 50 principal components.
    """
    if min(len(features.source), len(features.target)) < FEWEST:
        return None
    points = np.concatenate([features.source, features.target]).astype(np.float64)
    if not np.isfinite(points).all() or np.ptp(points, axis=0).max() == 0:
        return None
    parts = PCA(min(50, *points.shape), random_state=SEED, svd_solver="full").fit_transform(points)
    if parts.shape[1] == 1:
        parts = np.pad(parts, ((0, 0), (0, 1)))  # features of width 1 lie on a line
    perplexity = min(30.0, (len(points) - 1) / 3)
    near = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=SEED).fit_transform(parts)
    return {"PCA": parts[:, :2], "t-SNE": near}


def sampled_features(features: Features) -> Features:
    """Return the features of at most MOST evenly spaced videos of either domain."""
    ours, theirs = (list(evenly(len(side), MOST)) for side in (features.source, features.target))
    return Features(
        features.source[ours],
        features.source_labels[ours],
        features.target[theirs],
        features.target_labels[theirs],
        features.step,
    )


def domains_told(features: Features) -> float | None:
    """Return how often a linear classifier tells the domain of a video it has not seen; 0.5 is a guess (ours).

    Balanced over the domains and cross-validated five times; None of too few videos. It is what a domain classifier
    could still learn from the features, and needs no label.
    """
    n, m = len(features.source), len(features.target)
    if min(n, m) < FOLDS:
        return None
    points = np.concatenate([features.source, features.target]).astype(np.float64)
    domain = np.repeat([0, 1], [n, m])
    order = np.random.default_rng(SEED).permutation(n + m)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, class_weight="balanced"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return float(cross_val_score(model, points[order], domain[order], cv=FOLDS, scoring="balanced_accuracy").mean())


def scatter(title: str, points: np.ndarray, features: Features, classes: Sequence[str]) -> Markup:
    """Return points (n + m, 2) as `<svg>`: a dot a source video, a triangle a target video, a colour a class."""
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (SIDE - 2 * MARGIN) / max((high - low).max(), 1e-12)
    at = (points - (low + high) / 2) * [scale, -scale] + SIDE / 2
    ours, theirs = at[: len(features.source)], at[len(features.source) :]
    parts = [
        f'<svg class="scatter" viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
    ]
    for k in range(len(classes)):
        dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in ours[features.source_labels == k])
        if dots:
            parts.append(f'<path class="source k{k}" d="{dots}"/>')
    for k in range(len(classes)):
        triangles = "".join(f"M{x:.1f} {y - 3.4:.1f}l3 5.4h-6z" for x, y in theirs[features.target_labels == k])
        if triangles:
            parts.append(f'<path class="target k{k}" d="{triangles}"/>')
    parts.append("</svg>")
    return Markup("".join(parts))


def class_colours(count: int) -> list[str]:
    """Return a CSS colour for each of `count` classes: hues evenly spaced, neighbours of unlike lightness."""
    return [f"hsl({360 * k / count:.0f} {70 if k % 2 else 62}% {38 if k % 2 else 56}%)" for k in range(count)]


def feature_space(named: Sequence[tuple[str, Features]], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return, for each named set of features, its pictures and how well the domains are told apart."""
    found = []
    for label, features in named:
        few = sampled_features(features)
        pictures = embedded(few)
        if pictures is None:
            continue
        charts = [(name, scatter(f"{name}, {label}", points, few, classes)) for name, points in pictures.items()]
        found.append(
            {
                "label": label,
                "charts": charts,
                "told": domains_told(few),
                "source": len(few.source),
                "target": len(few.target),
            }
        )
    return found
