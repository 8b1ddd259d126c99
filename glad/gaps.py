"""How far apart two domains are: in the length of their videos, in their scenes, in their classes, and in accuracy.

The measures of Table 1, as pure functions of numbers; `glad.table1` takes the numbers from lists, videos and runs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from glad.errors import UserError
from glad.metrics import Scores, redrawn

_BLOCK = 2048  # rows of a block of similarities: 32 MiB in float64, whatever the number of videos


def temporal_gap(source: ArrayLike, target: ArrayLike) -> float:
    """Return Δ_temp (Eq. 2) in frames: the 1-Wasserstein distance of two sets of video lengths `(n,)` and `(m,)`.

    It is the area between the two cumulative distributions, every length a point of its own (no bins): the number of
    frames by which a video's length has to change on average to turn one distribution into the other.
    """
    p, q = np.asarray(source, np.float64), np.asarray(target, np.float64)
    assert p.ndim == q.ndim == 1 and len(p) and len(q), (p.shape, q.shape)
    return float(wasserstein_distance(p, q))


@dataclass(frozen=True)
class SceneGap:
    """Δ_bg and the two means it is the mean of: from a source video to the nearest target video, and back."""

    value: float
    source_to_target: float
    target_to_source: float


def scene_gap(source: NDArray, target: NDArray, block: int = _BLOCK) -> SceneGap:
    """Return Δ_bg (Eq. 1) of unit scene vectors `(n, d)` and `(m, d)`.

    It lies in [0, 1] where no number is negative, else in [0, 2]. The distance of two scenes is 1 - u·v; each video
    counts with its distance to the nearest one of the other domain (a symmetric Chamfer distance). Fewer videos make
    it larger, since the nearest of few is farther away.
    """
    of_source, of_target = nearest_distances(source, target, block)
    there, back = float(of_source.mean()), float(of_target.mean())
    return SceneGap((there + back) / 2, there, back)


def scene_spread(vectors: NDArray, block: int = _BLOCK) -> float | None:
    """Return how far a video of one domain is from the nearest other one of it, on average; None for one video (ours).

    With this beside it a scene gap can be read: near it, the other domain is no farther than the own one.
    """
    return float(nearest_distances(vectors, None, block)[0].mean()) if len(vectors) > 1 else None


def nearest_distances(
    source: NDArray, target: NDArray | None, block: int = _BLOCK
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, per source vector and per target vector, the cosine distance to the nearest one of the other set.

    Unit vectors `(n, d)` and `(m, d)` give `(n,)` and `(m,)`. Without a target each vector meets all others of its own
    set. At most `block` x `block` similarities are in memory at a time, in float64.
    """
    other = source if target is None else target
    assert source.ndim == other.ndim == 2 and source.shape[1] == other.shape[1], (source.shape, other.shape)
    assert len(source) > (target is None) and len(other), (len(source), len(other))
    for vectors in (source, other):
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4), "scene vectors have length 1"
    near_source = np.full(len(source), -np.inf)
    near_other = near_source if target is None else np.full(len(other), -np.inf)
    for i in range(0, len(source), block):
        rows = source[i : i + block].astype(np.float64)
        for j in range(i if target is None else 0, len(other), block):
            similar = rows @ other[j : j + block].astype(np.float64).T
            if target is None and i == j:
                np.fill_diagonal(similar, -np.inf)
            np.maximum(near_source[i : i + block], similar.max(axis=1), out=near_source[i : i + block])
            np.maximum(near_other[j : j + block], similar.max(axis=0), out=near_other[j : j + block])
    return np.maximum(1 - near_source, 0), np.maximum(1 - near_other, 0)  # rounding may leave -1e-7


@dataclass(frozen=True)
class ClassBalance:
    """How the classes are filled on both sides (ours).

    Attributes:
        source, target: (k,) videos of each class.
        source_imbalance, target_imbalance: videos of the largest class over those of the smallest that has any.
        total_variation: half the summed difference of the two class shares: the share of videos that would have to
            change class to make the two alike; in [0, 1].
        jensen_shannon: the Jensen-Shannon distance of the class shares (square root of the divergence, base 2); in
            [0, 1].
    """

    source: tuple[int, ...]
    target: tuple[int, ...]
    source_imbalance: float
    target_imbalance: float
    total_variation: float
    jensen_shannon: float


def class_balance(source: ArrayLike, target: ArrayLike, classes: int) -> ClassBalance:
    """Return the balance of labels `(n,)` and `(m,)` in 0..classes-1."""
    p, q = class_counts(source, classes), class_counts(target, classes)
    shares = p / p.sum(), q / q.sum()
    return ClassBalance(
        source=tuple(p.tolist()),
        target=tuple(q.tolist()),
        source_imbalance=imbalance(p),
        target_imbalance=imbalance(q),
        total_variation=float(np.abs(shares[0] - shares[1]).sum() / 2),
        jensen_shannon=float(jensenshannon(*shares, base=2)),
    )


def class_counts(labels: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Return how many of `labels` (n,) each of the `classes` has, `(classes,)`."""
    found = np.asarray(labels)
    assert found.ndim == 1 and len(found) and found.min() >= 0 and found.max() < classes, (found.shape, classes)
    return np.bincount(found, minlength=classes)


def imbalance(counts: NDArray) -> float:
    """Return the largest of class counts over the smallest that is not 0."""
    return float(counts.max() / counts[counts > 0].min())


@dataclass(frozen=True)
class AccuracyGap:
    """Δ_Acc in points, with the two mean class accuracies in percent and the gap of each class (None: no test video).

    `interval` holds the gap in 95 % of redraws of the test videos within their classes; None where the predictions of
    single videos are not there.
    """

    value: float
    source_only: float
    supervised: float
    per_class: tuple[float | None, ...]
    interval: tuple[float, float] | None = None


def accuracy_gap(source_only: Scores, supervised: Scores) -> AccuracyGap:
    """Return Δ_Acc: how many points training on target labels leads training on source labels, on one test set.

    Raises UserError when the two were tested on different numbers of videos.
    """
    if source_only.support != supervised.support:
        raise UserError(
            f"the two runs were tested on different videos ({sum(source_only.support)} and "
            f"{sum(supervised.support)}, or other classes); Δ_Acc compares two runs on one target test list"
        )
    lead = [
        None if low is None or high is None else 100 * (high - low)
        for low, high in zip(source_only.per_class, supervised.per_class, strict=True)
    ]
    low, high = 100 * source_only.mean_class_accuracy, 100 * supervised.mean_class_accuracy
    return AccuracyGap(high - low, low, high, tuple(lead))


def accuracy_gap_interval(labels: ArrayLike, source_only: ArrayLike, supervised: ArrayLike) -> tuple[float, float]:
    """Return the 95 % interval in points of Δ_Acc over test videos, from true and predicted classes `(n,)` (ours)."""
    truth = np.asarray(labels)
    lead = (np.asarray(supervised) == truth).astype(float) - (np.asarray(source_only) == truth)
    low, high = 100 * np.quantile(redrawn(truth, lead, 0), [0.025, 0.975])
    return float(low), float(high)
