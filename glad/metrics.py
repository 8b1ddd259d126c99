"""From what a run predicted for each test video to the numbers of a results table.

The number in the paper's tables is the mean class accuracy (MCA, section 5): the mean of the recalls of the
classes. The list of classes fixes k, and a class without a single test video is left out of the mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import confusion_matrix

from glad.errors import UserError


@dataclass(frozen=True)
class Scores:
    """How well one run did on n test videos of k classes. All accuracies are shares in [0, 1]."""

    mean_class_accuracy: float  # mean of `per_class` over the classes with support
    top1: float  # share of videos whose most probable class is the true one
    top5: float  # share of videos whose true class is among the five most probable (all k when k < 5)
    per_class: tuple[float | None, ...]  # (k,) recall; None where a class has no test video
    support: tuple[int, ...]  # (k,) test videos of each class
    confusion: tuple[tuple[int, ...], ...]  # (k, k) counts, [true][predicted]

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values that `json.dumps` writes without loss."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Scores":
        """Return the scores held in `values`; other keys, such as `select` in a scores.json, are left alone.

        Raises UserError when a field is missing.
        """
        missing = [field.name for field in fields(cls) if field.name not in values]
        if missing:
            raise UserError(f"these scores lack {', '.join(missing)}; evaluate the run again to write them")
        return cls(
            mean_class_accuracy=float(values["mean_class_accuracy"]),
            top1=float(values["top1"]),
            top5=float(values["top5"]),
            per_class=tuple(None if recall is None else float(recall) for recall in values["per_class"]),
            support=tuple(int(count) for count in values["support"]),
            confusion=tuple(tuple(int(count) for count in row) for row in values["confusion"]),
        )


def video_scores(labels: ArrayLike, probabilities: ArrayLike) -> Scores:
    """Return the scores of predictions against the truth.

    `labels` (n,) whole numbers in 0..k-1; `probabilities` (n, k), higher meaning more likely.
    Of equally probable classes the one with the lower number goes first, in top-1 and top-5 alike.
    Raises UserError for no videos, a label outside 0..k-1, or a number that is not finite.
    """
    truth, chances = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    assert truth.ndim == 1 and chances.ndim == 2 and len(truth) == len(chances), (truth.shape, chances.shape)
    if len(truth) == 0:
        raise UserError("there is no test video to score; check the list of the test split")
    classes = chances.shape[1]
    if truth.min() < 0 or truth.max() >= classes:
        wrong = int(truth[(truth < 0) | (truth >= classes)][0])
        raise UserError(f"a test video is labelled {wrong}, but the run knows only the classes 0..{classes - 1}")
    if not np.isfinite(chances).all():
        row = int(np.flatnonzero(~np.isfinite(chances).all(axis=1))[0])
        raise UserError(f"the prediction for test video {row} (counted from 0) is not finite; the run diverged")

    ranked = np.argsort(-chances, axis=1, kind="stable")
    hits = ranked == truth[:, None]
    confusion = confusion_matrix(truth, ranked[:, 0], labels=np.arange(classes))
    support = confusion.sum(axis=1)
    seen = support > 0
    recall = np.diagonal(confusion) / np.where(seen, support, 1)
    return Scores(
        mean_class_accuracy=float(recall[seen].mean()),
        top1=float(hits[:, 0].mean()),
        top5=float(hits[:, :5].any(axis=1).mean()),
        per_class=tuple(float(value) if any_video else None for value, any_video in zip(recall, seen, strict=True)),
        support=tuple(int(count) for count in support),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )


def bootstrap_interval(
    labels: ArrayLike, predictions: ArrayLike, seed: int | Sequence[int], draws: int = 1000
) -> tuple[float, float]:
    """Return the 95 % interval (low, high) of the mean class accuracy, had other videos been tested (ours).

    `labels` (n,); `predictions` (n,) the predicted class of each video, or (runs, n) for several runs on the
    same videos, which gives the interval of the mean over the runs. Videos are drawn again with replacement
    within their class, so every class keeps its support. The spread over seeds is not in this interval.
    """
    guesses = np.atleast_2d(np.asarray(predictions))
    assert guesses.shape[1:] == np.shape(labels), (np.shape(labels), guesses.shape)
    assert np.issubdtype(guesses.dtype, np.integer), "predictions are class numbers, not probabilities"
    correct = (guesses == np.asarray(labels)).mean(axis=0)  # (n,) share of the runs that got the video right
    low, high = np.quantile(redrawn(labels, correct, seed, draws), [0.025, 0.975])
    return float(low), float(high)


def redrawn(labels: ArrayLike, values: ArrayLike, seed: int | Sequence[int], draws: int = 1000) -> np.ndarray:
    """Return (draws,) class means of `values` (n,), averaged over the classes, had other videos been tested (ours).

    Videos are drawn again with replacement within their class. With the rightness of each video (0 or 1) as values
    these are mean class accuracies; with the difference of two methods' rightness, paired differences of them.
    """
    truth, value = np.asarray(labels), np.asarray(values, dtype=np.float64)
    assert truth.ndim == 1 and len(truth) > 0 and value.shape == truth.shape, (truth.shape, value.shape)
    rng = np.random.default_rng(seed)
    means = []
    for label in np.unique(truth):
        of_class = value[truth == label]
        drawn = rng.integers(0, len(of_class), size=(draws, len(of_class)))
        means.append(of_class[drawn].mean(axis=1))
    return np.mean(means, axis=0)
