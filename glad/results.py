"""What runs came to over seeds: their scores under each checkpoint rule, intervals, and paired differences."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from glad.metrics import redrawn
from glad.published import Published
from glad.run import Run


@dataclass(frozen=True)
class Result:
    """One run, scored.

    Attributes:
        seed: of the run.
        labels: (n,) true classes of the test videos.
        predicted: (n,) predicted classes under each rule that had what it needs.
        steps: the step each rule chose.
        seen: source videos that training looked at, repetitions counted: in the stage before, where there is one, and
            in the run's own.
        minutes, memory: of training, and the largest resident memory in MiB of the process; NaN where not measured.
        controls: top-2 share of predictions, domain accuracy, order accuracy, in percent; NaN where there is none.
    """

    seed: int
    labels: np.ndarray
    predicted: dict[str, np.ndarray]
    steps: dict[str, int]
    seen: tuple[int, ...]
    minutes: float
    memory: float
    controls: dict[str, float]

    def right(self, rule: str) -> np.ndarray:
        """Return (n,) whether each test video is recognised, 0 or 1."""
        return (self.predicted[rule] == self.labels).astype(float)

    def accuracy(self, rule: str) -> float:
        """Return the mean class accuracy in percent; NaN where the rule lacks its data."""
        if rule not in self.predicted:
            return math.nan
        right = self.right(rule)
        return 100 * float(np.mean([right[self.labels == label].mean() for label in np.unique(self.labels)]))


@dataclass(frozen=True)
class Row:
    """One method over seeds.

    Attributes:
        label, recipe: what it is called in the table and among recipes.
        clips: clips x frames of a video in evaluation.
        paper: its row in the paper; None where there is none.
        results: one run a seed.
        same_videos: whether all seeds were tested on the same videos, which are then redrawn together.
    """

    label: str
    recipe: str
    clips: str
    paper: Published | None
    results: tuple[Result, ...]
    same_videos: bool

    def accuracy(self, rule: str) -> np.ndarray:
        """Return (seeds,) mean class accuracies in percent."""
        return np.array([result.accuracy(rule) for result in self.results])

    def over_videos(self, values: Callable[[Result], np.ndarray]) -> tuple[float, float]:
        """Return the 95 % interval, in percent, of the class mean of what each video gives, had others been tested."""
        draws = [
            redrawn(result.labels, values(result), 0 if self.same_videos else k)
            for k, result in enumerate(self.results)
        ]
        low, high = 100 * np.quantile(np.mean(draws, axis=0), [0.025, 0.975])
        return float(low), float(high)

    def interval(self, rule: str) -> tuple[float, float]:
        """Return the 95 % interval of the mean over seeds, had other videos been tested; NaN without data."""
        if np.isnan(self.accuracy(rule)).any():
            return math.nan, math.nan
        return self.over_videos(lambda result: result.right(rule))


@dataclass(frozen=True)
class Difference:
    """How much better `row` is than `base`, in points, on the same seeds and videos.

    `seeds` is Student's 95 % interval over paired seeds, NaN for one: had they been trained again, and tested on other
    videos too where every seed has its own. `videos` is a paired bootstrap over the test videos of these very runs.
    """

    row: str
    base: str
    mean: float
    seeds: tuple[float, float]
    videos: tuple[float, float]
    above: int
    of: int
    same_videos: bool

    @property
    def verdict(self) -> str:
        """Return what the intervals allow to say: nothing, unless both leave out 0 on the same side.

        Where all seeds were tested on the same videos, neither interval holds the luck of the other, and the mean must
        also be larger than both half widths together, added as squares.
        """
        if self.of < 2:
            return "one seed"
        (low, high), (low_v, high_v) = self.seeds, self.videos
        together = math.hypot(high - low, high_v - low_v) / 2 if self.same_videos else 0.0
        if min(low, low_v) > 0 and self.mean > together:
            return f"{self.row} is better"
        if max(high, high_v) < 0 and -self.mean > together:
            return f"{self.base} is better"
        return "not resolved"


def difference(row: Row, base: Row, rule: str = "last") -> Difference:
    """Return the paired difference of two rows under a checkpoint rule."""
    gain = row.accuracy(rule) - base.accuracy(rule)
    other = {result.seed: result.right(rule) for result in base.results}
    assert all(np.array_equal(a.labels, b.labels) for a, b in zip(row.results, base.results, strict=True))
    videos = row.over_videos(lambda result: result.right(rule) - other[result.seed])
    above = int((gain > 0).sum())
    seeds, same = mean_interval(gain), row.same_videos
    return Difference(row.label, base.label, float(gain.mean()), seeds, videos, above, len(gain), same)


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % t-interval of the mean over seeds; NaN for fewer than two."""
    if len(values) < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def result_of(run: Run, seed: int) -> Result:
    """Return one scored run as its files tell it."""
    selection = json.loads(run.selection.read_text(encoding="utf-8"))
    by_step = {candidate["step"]: np.array(candidate["predicted"]) for candidate in selection["candidates"]}
    # Among one checkpoint there is nothing to choose: only `last` says what it is.
    rules = selection["rules"] if len(by_step) > 1 else {"last": selection["rules"]["last"]}
    steps = {rule: step for rule, step in rules.items() if step is not None}
    predicted = {rule: by_step[step] for rule, step in steps.items()}
    stages = [stage for stage in (run.warmup, run) if stage.log.exists()]
    logs = [_lines(stage) for stage in stages]
    return Result(
        seed=seed,
        labels=np.array(selection["labels"]),
        predicted=predicted,
        steps=steps,
        seen=tuple(stage.recipe.batch_size * log[-1]["step"] for stage, log in zip(stages, logs, strict=True)),
        minutes=sum(map(minutes, logs)),
        memory=_number(run.cost, "mebibytes"),
        controls={
            "top-2 share": 100 * top2_share(predicted["last"]),
            "domain acc.": 100 * domain_accuracy(logs[-1]),
            "order acc.": 100 * _number(run.folder / "order.json", "accuracy"),
        },
    )


def _lines(run: Run) -> list[dict]:
    return [json.loads(line) for line in run.log.read_text(encoding="utf-8").splitlines()]


def _number(path: Path, name: str) -> float:
    found = json.loads(path.read_text(encoding="utf-8"))[name] if path.exists() else None
    return math.nan if found is None else found


def minutes(log: list[dict]) -> float:
    """Return the minutes of training that the lines of a log add up to."""
    steps = [0, *(line["step"] for line in log)]
    return (
        sum(line["seconds_per_step"] * (line["step"] - before) for before, line in zip(steps, log, strict=False)) / 60
    )


def top2_share(predicted: np.ndarray) -> float:
    """Return the share of predictions that fall on the two commonest classes."""
    counts = np.sort(np.bincount(predicted))
    return counts[-2:].sum() / counts.sum()


def domain_accuracy(log: list[dict]) -> float:
    """Return the mean accuracy of the domain classifiers over the last fifth of the training; NaN without any."""
    tail = log[-max(len(log) // 5, 1) :]
    found = [value for line in tail for key, value in line["stats"].items() if key.startswith("accuracy_domain")]
    return float(np.mean(found)) if found else math.nan
