"""Scores are those of the predictions beside them, and say which checkpoint they are of."""

import csv
import json

import numpy as np
import pytest
import torch

from glad.evaluate import evaluate, predictions_of, summary
from glad.recipe import Videos
from glad.run import Run
from glad.train import train


@pytest.fixture(scope="module")
def scored(square_recipe, tmp_path_factory) -> Run:
    run = train(square_recipe(), tmp_path_factory.mktemp("scored") / "run", workers=0)
    evaluate(run, workers=0)
    return run


def rows(run: Run) -> list[dict]:
    return [json.loads(line) for line in run.predictions.read_text().splitlines()]


def test_every_test_video_is_predicted_once_in_the_order_of_the_list(scored):
    assert [(row["path"], row["offset"], row["frames"], row["label"]) for row in rows(scored)] == [
        ("left_0", 0, 12, 0),
        ("right_1", 0, 12, 1),
        ("left_2", 0, 12, 0),
        ("right_3", 0, 12, 1),
    ]


def test_scores_are_what_the_predictions_say(scored):
    written = json.loads(scored.scores.read_text())
    chosen = [int(np.argmax(row["probabilities"])) for row in rows(scored)]
    labels = [row["label"] for row in rows(scored)]
    recall = [np.mean([c == k for c, true in zip(chosen, labels, strict=True) if true == k]) for k in (0, 1)]
    assert written["mean_class_accuracy"] == pytest.approx(np.mean(recall))
    assert written["per_class"] == pytest.approx(recall)
    assert written["top1"] == pytest.approx(np.mean(np.equal(chosen, labels)))
    assert written["interval"][0] <= written["mean_class_accuracy"] <= written["interval"][1]
    assert (written["recipe"], written["seed"], written["select"], written["step"]) == ("squares", 0, "last", 4)
    assert written["videos"] == 4


def test_the_confusion_matrix_is_a_table_and_a_picture(scored):
    with (scored.folder / "confusion.csv").open() as file:
        head, *table = list(csv.reader(file))
    assert head[1:] == ["left", "right"] and [row[0] for row in table] == ["left", "right"]
    assert [[int(cell) for cell in row[1:]] for row in table] == json.loads(scored.scores.read_text())["confusion"]
    assert (scored.folder / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_evaluation_repeats_itself_whatever_the_workers_and_changes_no_weight(scored, square_recipe):
    before = scored.predictions.read_text(), scored.scores.read_text(), scored.last.read_bytes()
    evaluate(scored, workers=1)
    assert before == (scored.predictions.read_text(), scored.scores.read_text(), scored.last.read_bytes())


def test_a_class_name_with_a_comma_stays_one_cell(square_recipe, square_pair, tmp_path):
    pair = square_pair.model_copy(update={"classes": ('left, or "west"', "right")})
    run = train(square_recipe(data=pair, steps=1), tmp_path / "run", workers=0)
    evaluate(run, workers=0)
    with (run.folder / "confusion.csv").open() as file:
        table = list(csv.reader(file))
    assert table[0][1:] == ['left, or "west"', "right"] and {len(row) for row in table} == {3}


def test_a_class_without_a_test_video_is_left_out_of_the_mean_and_named(square_recipe, square_pair, tmp_path):
    (tmp_path / "test.txt").write_text("left_0 0 12 0\nleft_2 0 12 0\n")
    test = Videos(list=tmp_path / "test.txt", root=square_pair.test.root)
    run = train(square_recipe(data=square_pair.model_copy(update={"test": test})), tmp_path / "run", workers=0)
    scores = evaluate(run, workers=0)
    assert scores.per_class[1] is None and scores.mean_class_accuracy == scores.per_class[0]
    assert "right  no test video  (0)" in summary(run, scores)


def test_the_summary_names_the_checkpoint_and_chance(scored):
    said = summary(scored, evaluate(scored, workers=0))
    assert "squares, seed 0: 4 target test videos, checkpoint 'last' (step 4)" in said
    assert "chance 50.0" in said


def test_batches_of_clips_keep_their_videos(scored):
    from glad.data.loader import Videos as Batches
    from glad.data.loader import evaluation_batches
    from glad.inputs import test_domain as domain_of_test

    domain = domain_of_test(scored.recipe, scored.classes)
    batches = evaluation_batches(Batches(domain, 3, (3, 1, 0, 2)), workers=0)
    found = {}
    for predicted, indices in predictions_of(scored.method(), batches, torch.device("cpu")):
        found |= dict(zip(indices, predicted.probabilities.tolist(), strict=True))
    for index, row in enumerate(rows(scored)):
        assert found[index] == pytest.approx(row["probabilities"], abs=2e-6)
