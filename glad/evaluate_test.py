"""Scores are those of the predictions beside them, and say which checkpoint they are of."""

import csv
import json

import numpy as np
import pytest
import torch

from glad.errors import UserError
from glad.evaluate import answers, evaluate, labels_of, predictions_of, summary
from glad.inputs import held_out_domain, target_domain
from glad.recipe import Videos
from glad.run import Run
from glad.selection import LABEL_FREE, RULES, Labelled, oracle
from glad.training import train

STEPS = [2, 4, 6]


@pytest.fixture(scope="module")
def scored(square_recipe, tmp_path_factory) -> Run:
    run = train(square_recipe(), tmp_path_factory.mktemp("scored") / "run", workers=0)
    evaluate(run, workers=0)
    return run


@pytest.fixture(scope="module")
def several(square_recipe, square_pair, squares, tmp_path_factory) -> Run:
    """A run with three checkpoints to choose from, and source videos to choose by."""
    pair = square_pair.model_copy(update={"source_val": Videos(list=squares / "source.txt", root=squares / "source")})
    recipe = square_recipe(data=pair, steps=6, keep=3, select="infomax")
    run = train(recipe, tmp_path_factory.mktemp("several") / "run", workers=0)
    evaluate(run, workers=0)
    return run


def selection(run: Run) -> dict:
    return json.loads(run.selection.read_text())


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
    for [predicted], indices in predictions_of([scored.method()], batches, torch.device("cpu")):
        found |= dict(zip(indices, predicted.probabilities.tolist(), strict=True))
    for index, row in enumerate(rows(scored)):
        assert found[index] == pytest.approx(row["probabilities"], abs=2e-6)


def test_a_run_of_one_checkpoint_leaves_no_choice_and_nothing_else_is_looked_at(scored):
    found = selection(scored)
    assert found["rules"] == dict.fromkeys(RULES, 4) and found["labels"] == [0, 1, 0, 1]
    (only,) = found["candidates"]
    assert only["step"] == 4 and only["predicted"] == [int(np.argmax(row["probabilities"])) for row in rows(scored)]
    assert only["test"] == json.loads(scored.scores.read_text())["mean_class_accuracy"]
    assert {only[name] for name in (*LABEL_FREE, "source_val")} == {None}
    assert "oracle" not in summary(scored, evaluate(scored, workers=0))


def test_every_checkpoint_is_judged_by_every_rule_from_its_own_evidence(several):
    found = selection(several)
    assert [one["step"] for one in found["candidates"]] == STEPS
    methods = {step: several.method(checkpoint) for step, checkpoint in several.candidates()}
    target = answers(methods, target_domain(several.recipe, several.classes), 0, lambda _: None)
    val = several.recipe.data.source_val
    held_out = answers(methods, held_out_domain(several.recipe, val, several.classes), 0, lambda _: None)
    for one in found["candidates"]:
        for name, rule in LABEL_FREE.items():
            assert one[name] == rule(target[one["step"]]), name
        labels = np.array([0, 1] * 4)
        assert one["source_val"] == oracle(Labelled(held_out[one["step"]].probabilities, labels))
        assert one["test"] == oracle(Labelled(np.eye(2)[one["predicted"]], np.array(found["labels"])))
    for rule, key in {"last": "step", "oracle": "test", "snd": "snd", "source_val": "source_val"}.items():
        best = max(found["candidates"], key=lambda one: (one[key], one["step"]))
        assert found["rules"][rule] == best["step"]


def test_what_is_scored_is_what_the_rule_chose(several):
    by_step = {one["step"]: one for one in selection(several)["candidates"]}
    for rule in ("infomax", "entropy", "oracle", "last"):
        said = summary(several, evaluate(several, select=rule, workers=0))
        written, step = json.loads(several.scores.read_text()), selection(several)["rules"][rule]
        assert (written["select"], written["step"]) == (rule, step)
        assert written["mean_class_accuracy"] == by_step[step]["test"]
        assert [int(np.argmax(row["probabilities"])) for row in rows(several)] == by_step[step]["predicted"]
        assert f"checkpoint '{rule}' (step {step}" in said and "sees target labels)" in said
        assert f"last {100 * by_step[6]['test']:.1f} (step 6) · source_val" in said
    evaluate(several, workers=0)
    assert json.loads(several.scores.read_text())["select"] == "infomax"


def test_the_last_checkpoint_of_several_is_scored_as_the_only_one_of_a_run_is(several, square_recipe, tmp_path):
    evaluate(several, select="last", workers=0)
    alone = train(square_recipe(data=several.recipe.data, steps=6), tmp_path / "run", workers=0)
    evaluate(alone, workers=0)
    assert alone.predictions.read_text() == several.predictions.read_text()


def test_each_of_several_methods_says_what_it_says_alone(several):
    domain = target_domain(several.recipe, several.classes)
    methods = {step: several.method(checkpoint) for step, checkpoint in several.candidates()}
    together = answers(methods, domain, 0, lambda _: None)
    for step, method in methods.items():
        alone = answers({step: method}, domain, 0, lambda _: None)[step]
        assert np.array_equal(alone.probabilities, together[step].probabilities)
        assert np.array_equal(alone.features, together[step].features)
    assert not np.array_equal(together[2].probabilities, together[6].probabilities)


def test_garbage_for_labels_of_the_target_changes_no_label_free_choice(several, square_pair, tmp_path):
    """Training list and test list alike: the numbers are the same to the last bit, only those of the oracle move."""
    before, recipe = selection(several), several.recipe
    lies = {}
    for name in ("target", "test"):
        videos = getattr(square_pair, name)
        text = videos.list.read_text().splitlines()
        turned = [f"{line.rsplit(' ', 1)[0]} {1 - int(line.rsplit(' ', 1)[1])}\n" for line in text]
        (tmp_path / f"{name}.txt").write_text("".join(turned))
        lies[name] = Videos(list=tmp_path / f"{name}.txt", root=videos.root)
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update=lies)})
    written = several.recipe_file.read_text()
    try:
        recipe.write(several.recipe_file)
        evaluate(several, workers=0)
        after = selection(several)
    finally:
        several.recipe_file.write_text(written)
        evaluate(several, workers=0)
    assert after["labels"] == [1 - label for label in before["labels"]]
    for one, other in zip(before["candidates"], after["candidates"], strict=True):
        assert {name: one[name] for name in LABEL_FREE} == {name: other[name] for name in LABEL_FREE}
        assert one["source_val"] == other["source_val"] and one["predicted"] == other["predicted"]
        assert one["test"] == pytest.approx(1 - other["test"])
    assert {r: s for r, s in before["rules"].items() if r != "oracle"} == {
        r: s for r, s in after["rules"].items() if r != "oracle"
    }


def test_what_label_free_rules_look_at_are_training_videos_without_labels(several):
    domain = target_domain(several.recipe, several.classes)
    assert domain.listing.file == several.recipe.data.target.list
    assert several.recipe.data.target.labelled and set(labels_of(domain)) == {None}


def test_a_rule_without_its_videos_is_refused_and_says_what_to_do(scored):
    before = scored.scores.read_text()
    with pytest.raises(UserError, match=r"source_val needs source videos .* \(data\.source_val\).* --select"):
        evaluate(scored, select="source_val", workers=0)
    assert scored.scores.read_text() == before


def test_a_rule_without_its_videos_has_no_choice_among_several(square_recipe, tmp_path):
    run = train(square_recipe(steps=2, keep=2), tmp_path / "run", workers=0)
    said = summary(run, evaluate(run, workers=0))
    assert selection(run)["rules"]["source_val"] is None and "source_val" not in said
    assert {one["source_val"] for one in selection(run)["candidates"]} == {None}


def test_features_are_kept_of_some_videos_of_both_domains(scored):
    from glad.features import read_features
    from glad.inputs import source_domain
    from glad.inputs import test_domain as domain_of_test

    found = read_features(scored.features)
    assert (
        found.step == 4 and found.source_labels.tolist() == [0, 1] * 4 and found.target_labels.tolist() == [0, 1, 0, 1]
    )
    method = {4: scored.method()}
    for kept, domain in ((found.source, source_domain), (found.target, domain_of_test)):
        said = answers(method, domain(scored.recipe, scored.classes), 0, lambda _: None)[4]
        assert np.array_equal(kept, said.features)
    evaluate(scored, workers=0, features=3)
    few = read_features(scored.features)
    assert np.allclose(few.source, found.source[[0, 2, 5]], rtol=1e-5)
    assert np.array_equal(few.target, found.target[[0, 1, 2]])
    evaluate(scored, workers=0, features=0)
    assert not scored.features.exists()
    evaluate(scored, workers=0)


def test_a_run_is_scored_where_its_source_is_not(square_recipe, square_pair, tmp_path, capsys):
    (tmp_path / "source.txt").write_text(square_pair.source.list.read_text())
    source = Videos(list=tmp_path / "source.txt", root=square_pair.source.root)
    run = train(square_recipe(data=square_pair.model_copy(update={"source": source})), tmp_path / "run", workers=0)
    (tmp_path / "source.txt").unlink()
    evaluate(run, workers=0)
    assert not run.features.exists() and run.scores.exists()
    assert "no features are kept for the report: there is no list" in capsys.readouterr().err
