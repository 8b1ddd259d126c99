"""Scores over seeds: accuracies, intervals and differences worked out by hand, and what a run folder gives."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from glad.results import Difference, Result, Row, difference, domain_accuracy, mean_interval, minutes, result_of
from glad.run import Run

LABELS = np.array([0, 0, 1, 1])


def result(seed: int, *predicted: int, **rules: tuple[int, ...]) -> Result:
    found = {"last": np.array(predicted), **{rule: np.array(values) for rule, values in rules.items()}}
    return Result(seed, LABELS, found, dict.fromkeys(found, 6), (72,), 1.0, math.nan, {"top-2 share": 100.0})


def row(label: str, *results: Result, same: bool = True) -> Row:
    return Row(label, label.lower(), "3x8", None, results, same)


def test_accuracy_is_the_mean_of_the_recalls_and_nan_without_the_rule():
    found = result(0, 0, 1, 1, 1, oracle=(0, 0, 1, 1))
    assert found.accuracy("last") == 75.0 and found.accuracy("oracle") == 100.0
    assert math.isnan(found.accuracy("source_val"))
    uneven = Result(0, np.array([0, 0, 0, 1]), {"last": np.array([0, 0, 1, 1])}, {"last": 1}, (1,), 1.0, 1.0, {})
    assert uneven.accuracy("last") == pytest.approx(100 * (2 / 3 + 1) / 2)


def test_the_interval_of_the_mean_is_student_s():
    low, high = mean_interval(np.array([1.0, 2.0, 3.0]))
    assert (low, high) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))  # t(0.975, 2) = 4.302653
    assert np.isnan(mean_interval(np.array([1.0]))).all()


def test_the_interval_over_videos_has_no_width_where_all_videos_of_a_class_agree():
    assert row("a", result(0, 0, 0, 0, 0)).interval("last") == (50.0, 50.0)
    low, high = row("a", result(0, 0, 1, 1, 1)).interval("last")
    assert low == 50.0 and high == 100.0  # one of two videos of class 0: redrawn 0, 1 or 2 times
    assert np.isnan(row("a", result(0, 0, 0, 0, 0)).interval("oracle")).all()


def test_videos_of_all_seeds_are_redrawn_together_only_where_they_are_the_same():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    predicted = np.where(rng.random(100) < 0.5, labels, 1 - labels)
    runs = tuple(Result(k, labels, {"last": predicted}, {"last": 1}, (1,), 1.0, 1.0, {}) for k in range(4))
    widths = {}
    for same in (True, False):
        low, high = Row("a", "a", "3x8", None, runs, same).interval("last")
        widths[same] = high - low
    low, high = Row("a", "a", "3x8", None, runs[:1], True).interval("last")
    assert widths[True] == pytest.approx(high - low), "four runs that agree on the same videos know no more than one"
    assert widths[False] == pytest.approx(widths[True] / 2, rel=0.25), "other videos each time: half as uncertain"


def test_a_difference_is_paired_by_seed_and_by_video():
    base = row("A", result(0, 1, 1, 1, 1), result(1, 0, 1, 1, 1))
    better = row("B", result(0, 0, 1, 1, 1), result(1, 0, 0, 1, 1))
    found = difference(better, base)
    assert found.mean == 25.0 and (found.above, found.of) == (2, 2)
    assert found.seeds == (25.0, 25.0)
    # Each seed another video of class 0 turned right: however the two are redrawn, together they count 2.
    assert found.videos == (25.0, 25.0)
    same_video = row("C", result(0, 0, 1, 1, 1), result(1, 0, 1, 1, 1))
    # Now it is one of the two, redrawn 0, 1 or 2 times, in one seed of two: +0, +12.5 or +25.
    assert difference(same_video, base).videos == (0.0, 25.0)
    assert difference(better, better).videos == (0.0, 0.0)


@pytest.mark.parametrize(
    "seeds, videos, of, said",
    [
        ((1.0, 9.0), (2.0, 8.0), 3, "B is better"),
        ((-9.0, -1.0), (-8.0, -2.0), 3, "A is better"),
        ((-1.0, 9.0), (2.0, 8.0), 3, "not resolved"),
        ((1.0, 9.0), (-2.0, 8.0), 3, "not resolved"),
        ((math.nan, math.nan), (2.0, 8.0), 1, "one seed"),
    ],
)
def test_a_verdict_needs_both_intervals(seeds, videos, of, said):
    mean = sum(videos) / 2
    assert Difference("B", "A", mean, seeds, videos, of, of, same_videos=False).verdict == said


def test_on_shared_videos_a_verdict_needs_both_half_widths_together():
    seeds, videos = (1.0, 9.0), (2.0, 8.0)  # half widths 4 and 3, together 5
    for mean, said in ((5.1, "B is better"), (4.9, "not resolved")):
        assert Difference("B", "A", mean, seeds, videos, 3, 3, same_videos=True).verdict == said
    turned = Difference("B", "A", -5.1, (-9.0, -1.0), (-8.0, -2.0), 3, 3, same_videos=True)
    assert turned.verdict == "A is better"


def test_rows_of_other_videos_are_not_compared():
    other = Result(0, np.array([0, 1, 1, 1]), {"last": LABELS}, {"last": 6}, (72,), 1.0, 1.0, {})
    with pytest.raises(AssertionError):
        difference(row("B", other), row("A", result(0, 0, 0, 1, 1)))


def test_minutes_and_domain_accuracy_come_from_the_log():
    log = [
        {"step": 10 * i, "seconds_per_step": 3.0, "stats": {"accuracy_domain_both": 0.1 * i, "accuracy_class": 1.0}}
        for i in (1, 2, 3, 4, 5)
    ]
    assert minutes(log) == pytest.approx(50 * 3 / 60)
    assert domain_accuracy(log) == pytest.approx(0.5)  # the last fifth
    assert math.isnan(domain_accuracy([{"step": 1, "seconds_per_step": 1.0, "stats": {}}]))


def test_a_run_folder_gives_its_scores_under_every_rule_and_its_costs(square_recipe, tmp_path: Path):
    run = Run(tmp_path / "run")
    (run.folder / "warmup").mkdir(parents=True)
    square_recipe(batch_size=4).write(run.recipe_file)
    square_recipe(batch_size=8).write(run.warmup.recipe_file)
    run.log.write_text(json.dumps({"step": 20, "seconds_per_step": 3.0, "stats": {}}) + "\n")
    run.warmup.log.write_text(json.dumps({"step": 10, "seconds_per_step": 6.0, "stats": {}}) + "\n")
    candidates = [{"step": 10, "predicted": [0, 0, 1, 1]}, {"step": 20, "predicted": [0, 0, 1, 0]}]
    rules = {"last": 20, "oracle": 10, "source_val": None}
    more = {"labels": [0, 0, 1, 1]}
    run.selection.write_text(json.dumps({"rules": rules, "candidates": candidates} | more))
    (run.folder / "cost.json").write_text('{"mebibytes": 700.5}')
    (run.folder / "order.json").write_text('{"accuracy": 0.3}')
    found = result_of(run, 5)
    assert found.seed == 5 and found.steps == {"last": 20, "oracle": 10}
    assert found.accuracy("last") == 75.0 and found.accuracy("oracle") == 100.0
    assert found.seen == (10 * 8, 20 * 4)
    assert found.minutes == pytest.approx((20 * 3 + 10 * 6) / 60) and found.memory == 700.5
    assert found.controls["order acc."] == pytest.approx(30.0) and math.isnan(found.controls["domain acc."])
    assert found.controls["top-2 share"] == 100.0
    run.selection.write_text(json.dumps({"rules": {"last": 20, "oracle": 20}, "candidates": candidates[1:]} | more))
    assert result_of(run, 5).steps == {"last": 20}, "one checkpoint leaves nothing to choose"
    run.cost.write_text('{"mebibytes": null}')
    assert math.isnan(result_of(run, 5).memory)
