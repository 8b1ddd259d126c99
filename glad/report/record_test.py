"""A run folder is read for what it holds; what it lacks, or what cannot be compared, is said in words."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from glad.backbones.tiny import TinyConfig
from glad.errors import UserError
from glad.features import Features, write_features
from glad.methods.glad import GladConfig
from glad.metrics import video_scores
from glad.recipe import Pair, Recipe, Videos
from glad.report.record import lead, name_runs, read_run, seed_means
from glad.report.record import tested_apart as apart

CLASSES = ["jump", "run <fast>", "throw"]


def run_folder(path: Path, name: str, seed: int, predicted: list[int], align_weight: float = 1.0) -> Path:
    """Write a run of three classes on four videos of the classes 0, 0, 1, 1, which are nowhere."""
    path.mkdir(parents=True)
    labels = [0, 0, 1, 1]
    probabilities = np.full((4, 3), 0.05)
    probabilities[np.arange(4), predicted] = 0.9
    nowhere = Videos(list=path / "no-list.txt")
    recipe = Recipe(
        name=name,
        seed=seed,
        data=Pair(classes=tuple(CLASSES), source=nowhere, target=nowhere, test=nowhere),
        backbone=TinyConfig(width=8),
        method=GladConfig(align_weight=align_weight),
    )
    log = [
        {
            "step": step,
            "epoch": step / 10,
            "total": 2.0,
            "lr": 0.01,
            "terms": {"class": 1.0, "align_global": align_weight * math.log(2)},
            "stats": {"accuracy_domain_global": 0.5, "accuracy_class": step / 30},
        }
        for step in range(0, 30, 10)
    ]
    scores = {"select": "last", "step": 30, "interval": [0.25, 0.875], "videos": 4}
    scores |= video_scores(labels, probabilities).to_dict()
    lines = [
        {"path": f"val/{i:06d}", "offset": i, "frames": 20, "label": label, "probabilities": p.tolist()}
        for i, (label, p) in enumerate(zip(labels, probabilities, strict=True))
    ]
    recipe.write(path / "recipe.json")
    (path / "environment.json").write_text(json.dumps({"torch": "9.8.7"}))
    (path / "scores.json").write_text(json.dumps(scores))
    (path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    (path / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (path / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return path


def edit(run: Path, **fields: object) -> None:
    """Change fields of scores.json."""
    file = run / "scores.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_what_is_there_is_read_and_what_is_not_is_said(tmp_path):
    run = read_run(run_folder(tmp_path / "a", "glad", 3, predicted=[0, 1, 2, 2]))
    assert run.settings["seed"] == 3 and run.classes == CLASSES and len(run.log) == 3 and len(run.predictions) == 4
    assert run.scores is not None and run.scores.mean_class_accuracy == 0.25
    assert run.recipe is not None and run.recipe.seed == 3
    assert [sentence.partition(":")[0] for sentence in run.missing] == ["no features.safetensors"]
    (run.path / "recipe.json").write_text('{"name": "glad", "seed": 3}')
    run = read_run(run.path)
    assert run.recipe is None and run.settings["seed"] == 3 and run.missing[0].startswith("its recipe cannot be used")
    with pytest.raises(UserError, match="is not a run folder"):
        read_run(tmp_path / "b")


def test_a_log_cut_in_the_middle_gives_what_came_before(tmp_path):
    run = run_folder(tmp_path / "a", "glad", 0, predicted=[0, 1, 2, 2])
    with (run / "log.jsonl").open("a") as log:
        log.write('{"step": 40, "epo')
    found = read_run(run)
    assert len(found.log) == 3 and any("log.jsonl, line 4 is not JSON" in sentence for sentence in found.missing)


def test_features_are_of_the_scored_checkpoint_or_are_left_out(tmp_path):
    run = run_folder(tmp_path / "a", "glad", 0, predicted=[0, 1, 2, 2])
    points = np.ones((4, 2), np.float32)
    write_features(run / "features.safetensors", Features(points, np.zeros(4), points, np.zeros(4), step=30))
    found = read_run(run).features
    assert found is not None and np.array_equal(found.target, points)
    edit(run, step=20)
    found = read_run(run)
    assert found.features is None and any("is of step 30, not of the scored one" in one for one in found.missing)
    (run / "features.safetensors").write_text("no such thing")
    assert any("holds no features of a run" in one for one in read_run(run).missing)


def test_a_lead_is_paired_by_video_with_its_interval(tmp_path):
    """Recalls 1/2 and 0 against 1/2 and 1: one class is as before, the other gains every video, so nothing varies."""
    runs = [
        read_run(run_folder(tmp_path / "a", "a", 0, predicted=[0, 1, 2, 2])),
        read_run(run_folder(tmp_path / "b", "b", 0, predicted=[0, 2, 1, 1])),
    ]
    assert lead(runs[1], runs[0]) == (50.0, 50.0, 50.0)
    assert lead(runs[0], runs[0]) is None
    other = read_run(run_folder(tmp_path / "c", "c", 0, predicted=[1, 0, 1, 1]))
    found = lead(other, runs[0])
    assert found is not None and found[0] == 50.0 and found[1] < 50.0 < found[2]
    other.predictions[0]["path"] = "elsewhere"
    assert lead(other, runs[0]) is None and apart([runs[0], other]) == [other.label]


def test_the_same_recipe_and_seed_twice_are_told_apart(tmp_path):
    runs = [read_run(run_folder(tmp_path / name, "glad", 0, predicted=[0, 0, 1, 1])) for name in ("x", "y")]
    name_runs(runs)
    assert [run.label.partition("/")[2] for run in runs] == ["x, no. 1)", "y, no. 2)"]


def test_runs_are_alike_by_their_support_where_predictions_are_not_known(tmp_path):
    runs = [run_folder(tmp_path / name, "glad", 0, predicted=[0, 0, 1, 1]) for name in ("x", "y")]
    (runs[1] / "predictions.jsonl").unlink()
    assert apart([read_run(run) for run in runs]) == []
    edit(runs[1], **video_scores([0, 1, 1], np.eye(3)[[0, 1, 1]]).to_dict())
    assert len(apart([read_run(run) for run in runs])) == 1


def test_runs_that_differ_in_seed_only_are_averaged(tmp_path):
    runs = [
        read_run(run_folder(tmp_path / "0", "glad", 0, predicted=[0, 1, 2, 2])),  # 0.25
        read_run(run_folder(tmp_path / "1", "glad", 1, predicted=[0, 2, 1, 1])),  # 0.75
        read_run(run_folder(tmp_path / "2", "other", 0, predicted=[0, 0, 1, 1])),
    ]
    (row,) = seed_means(runs)
    assert (row["name"], row["select"], row["n"], row["mean"]) == ("glad", "last", 2, 0.5)
    assert row["sd"] == pytest.approx(math.sqrt(0.125))
