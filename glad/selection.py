"""Which of a run's checkpoints to test: rules with names, each a function of the evidence that it may see.

A rule is a function from evidence to a number, higher being better. What it may see is what it takes: `source_val` the
labelled source videos that were held out of training, the label-free rules the *training* videos of the target without
labels, `oracle` the labels of the target test videos, which no result of unsupervised adaptation may use. `last` takes
no evidence at all. Of equal numbers the later checkpoint wins, since it has trained longest.

Musgrave, Belongie and Lim 2022, "Three New Validators and a Large-Scale Benchmark Ranking for Unsupervised Domain
Adaptation", compare most of the label-free numbers as rules to choose a checkpoint by.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import entr, softmax
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_mutual_info_score

from glad.errors import UserError
from glad.metrics import video_scores

TEMPERATURE = 0.05  # of soft neighbourhood density; Saito et al. 2021
BLOCK = 1024  # rows of the similarity matrix at a time


@dataclass(frozen=True)
class Labelled:
    """What a checkpoint says of n videos, and the truth: probabilities (n, k), labels (n,) in 0..k-1."""

    probabilities: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Unlabelled:
    """What a checkpoint says of n videos: probabilities (n, k), rows summing to 1, and features (n, d).

    Raises UserError for a number that is not finite.
    """

    probabilities: np.ndarray
    features: np.ndarray

    def __post_init__(self) -> None:
        shapes = self.probabilities.shape, self.features.shape
        assert self.probabilities.ndim == self.features.ndim == 2 and shapes[0][0] == shapes[1][0] > 0, shapes
        for what, values in (("probabilities", self.probabilities), ("features", self.features)):
            if not np.isfinite(values).all():
                raise UserError(f"a checkpoint's {what} are not finite on {len(values)} videos; the run diverged")


def source_val(held_out: Labelled) -> float:
    """Return the mean class accuracy in [0, 1] on source videos that were held out of training."""
    return video_scores(held_out.labels, held_out.probabilities).mean_class_accuracy


def oracle(test: Labelled) -> float:
    """Return the mean class accuracy in [0, 1] on the target test videos: an upper bound, and no fair rule."""
    return video_scores(test.labels, test.probabilities).mean_class_accuracy


def entropy(target: Unlabelled) -> float:
    """Return the mean entropy of the predictions with its sign changed, in [-ln k, 0]: how sure the classifier is.

    Morerio, Cavazza and Murino 2018. A classifier that says one class of every video, and is sure of it, has the best
    value there is.
    """
    return -float(entr(_double(target.probabilities)).sum(axis=1).mean())


def infomax(target: Unlabelled) -> float:
    """Return the entropy of the mean prediction less the mean entropy of the predictions, in [0, ln k].

    The mutual information of video and class: high where single predictions are sure and all together spread over the
    classes. Krause, Perona and Gomes 2010.
    """
    return float(entr(_double(target.probabilities).mean(axis=0)).sum()) + entropy(target)


def snd(target: Unlabelled) -> float:
    """Return the soft neighbourhood density, in [0, ln(n - 1)]; 0 for one video alone.

    The softmax over cosine similarities of a video's prediction to those of all others, at temperature 0.05, says who
    its neighbours are; its entropy, averaged over videos, is high where many are equally near. Predictions that are
    all the same have the best value there is. Saito et al. 2021.
    """
    rows = _unit(target.probabilities)
    if len(rows) == 1:
        return 0.0
    total = 0.0
    for start in range(0, len(rows), BLOCK):
        near = rows[start : start + BLOCK] @ rows.T / TEMPERATURE
        own = np.arange(len(near))
        near[own, start + own] = -np.inf
        total += float(entr(softmax(near, axis=1)).sum())
    return total / len(rows)


def bnm(target: Unlabelled) -> float:
    """Return the nuclear norm of the predictions over its bound sqrt(n min(n, k)), in [1 / sqrt(k min(n, k)), 1].

    1 where every video has one sure class and all classes are equally common. Cui et al. 2020, who maximise the norm
    of a batch in training; as a rule Musgrave et al. 2022. The divisor, ours, is the same for all checkpoints of a run.
    """
    values = np.linalg.svd(_double(target.probabilities), compute_uv=False)
    videos, classes = target.probabilities.shape
    return float(values.sum() / np.sqrt(videos * min(videos, classes)))


def class_cluster(target: Unlabelled) -> float:
    """Return how well clusters of the features agree with the predicted classes: at most 1, about 0 by chance.

    k clusters (n where there are fewer videos) by k-means on features of length 1, from ten starts with a fixed seed;
    agreement is the adjusted mutual information. 0 where only one class is ever predicted: no partition to agree with.
    Musgrave et al. 2022, who call it ClassAMI.
    """
    predicted = target.probabilities.argmax(axis=1)
    if len(np.unique(predicted)) == 1:
        return 0.0
    starts: Any = 10  # scikit-learn's annotation knows of no number here
    clusters = KMeans(min(target.probabilities.shape), n_init=starts, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct features than clusters: some stay empty
        found = clusters.fit_predict(_unit(target.features))
    return float(adjusted_mutual_info_score(predicted, found))


LABEL_FREE: dict[str, Callable[[Unlabelled], float]] = {
    "entropy": entropy,
    "infomax": infomax,
    "snd": snd,
    "bnm": bnm,
    "class_cluster": class_cluster,
}
RULES = ("last", "source_val", *LABEL_FREE, "oracle")
BEST = {"last": "step", "oracle": "test"}  # what a rule picks the highest of, where that has another name


def candidate(step: int, test: Labelled, target: Unlabelled | None, held_out: Labelled | None) -> dict[str, Any]:
    """Return a checkpoint as JSON can hold it: what every rule says of it, each from its own evidence alone.

    `step`; `test`, the value of `oracle`; the value of every other rule by its name, None where it has no evidence;
    `predicted`, the class of every test video.
    """
    values: dict[str, Any] = {"step": step, "test": oracle(test)}
    values["source_val"] = None if held_out is None else source_val(held_out)
    for name, rule in LABEL_FREE.items():
        values[name] = None if target is None else rule(target)
    return values | {"predicted": test.probabilities.argmax(axis=1).tolist()}


def chosen(rule: str, candidates: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the step of the candidate that `rule` picks, the later of equals; None where it lacks a number.

    Candidates are as from `candidate`. One without rival is picked by every rule.
    """
    if len(candidates) == 1:
        return candidates[0]["step"]
    key = BEST.get(rule, rule)
    if any(one[key] is None for one in candidates):
        return None
    return max(candidates, key=lambda one: (one[key], one["step"]))["step"]


def _double(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)


def _unit(values: np.ndarray) -> np.ndarray:
    """Return rows of Euclidean length 1; a row of zeros stays."""
    rows = _double(values)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
