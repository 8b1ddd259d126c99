"""Anyone's video gets classes with probabilities, as one line to read or one of JSON."""

import json
from pathlib import Path

import pytest

from glad.data.domain import Domain
from glad.data.named import Named
from glad.errors import UserError
from glad.evaluate import answers, evaluate
from glad.predict import Prediction, predict
from glad.run import Run
from glad.training import train


@pytest.fixture(scope="module")
def run(square_recipe, tmp_path_factory) -> Run:
    return train(square_recipe(), tmp_path_factory.mktemp("predict") / "run", workers=0)


def test_a_prediction_is_one_line_to_read_or_of_json():
    found = Prediction("a b.mp4", ("left", "right"), (0.75, 0.25))
    assert found.as_text() == "a b.mp4: left 75.0 %, right 25.0 %"
    assert json.loads(found.as_json()) == {
        "video": "a b.mp4",
        "class": "left",
        "probabilities": {"left": 0.75, "right": 0.25},
    }


def test_videos_keep_their_order_and_agree_with_the_evaluation(run, squares):
    evaluate(run, workers=0)
    rows = {row["path"]: row for row in map(json.loads, run.predictions.read_text().splitlines())}
    names = ["right_3", "left_0", "right_3"]
    found = list(predict(run, [squares / "test" / name for name in names]))
    assert [one.video for one in found] == [str(squares / "test" / name) for name in names]
    for name, one in zip(names, found, strict=True):
        expected = dict(zip(run.classes, rows[name]["probabilities"], strict=True))
        assert dict(zip(one.classes, one.probabilities, strict=True)) == pytest.approx(expected, abs=2e-6)
        assert list(one.probabilities) == sorted(one.probabilities, reverse=True)
    assert found[0] == found[2]


def test_videos_are_named_by_the_checkpoint_that_the_recipes_rule_chose(square_recipe, squares, tmp_path):
    run = train(square_recipe(steps=6, keep=3, select="snd"), tmp_path / "run", workers=0)
    video = squares / "test" / "left_0"
    with pytest.raises(UserError, match="no checkpoint is chosen by 'snd' yet"):
        list(predict(run, [video]))
    evaluate(run, workers=0)
    found = json.loads(run.selection.read_text())
    for step in (2, 6):
        run.selection.write_text(json.dumps(found | {"rules": found["rules"] | {"snd": step}}))
        (one,) = predict(run, [video])
        method = run.method(dict(run.candidates())[step])
        domain = Domain(Named((video,)), run.recipe.test_views, run.recipe.test_pixels)
        said = answers({step: method}, domain, 0, lambda _: None)[step].probabilities[0]
        assert sorted(one.probabilities, reverse=True) == pytest.approx(sorted(said, reverse=True), abs=1e-6)


def test_only_the_most_probable_classes_are_told_when_asked(run, squares):
    (one,) = predict(run, [squares / "test" / "left_0"], top=1)
    assert len(one.classes) == len(one.probabilities) == 1 and one.probabilities[0] >= 0.5


def test_a_missing_video_is_named(run, squares):
    with pytest.raises(UserError, match="there is no video at nowhere"):
        list(predict(run, [squares / "test" / "left_0", Path("nowhere.mp4")]))


def test_a_folder_of_videos_stands_for_all_of_them(run, squares):
    below = sorted((squares / "test").iterdir())
    assert list(predict(run, [squares / "test"])) == list(predict(run, below)) and len(below) == 4
    twice = [one.video for one in predict(run, [below[0], squares / "test"])]
    assert twice == [str(path) for path in (below[0], *below)]


def test_a_stage_without_a_classifier_says_so(square_recipe, squares, tmp_path):
    from glad.methods.order import OrderConfig
    from glad.sampling import Ordered

    views = Ordered(length=3, interval=1)
    recipe = square_recipe(method=OrderConfig(), source_views=views, target_views=views, steps=1)
    warmup = train(recipe, tmp_path / "run", workers=0)
    with pytest.raises(UserError, match="an order warm-up has no action classifier"):
        list(predict(warmup, [squares / "test" / "left_0"]))


def test_any_engine_names_the_same_actions(run, squares, monkeypatch):
    import glad.fast

    monkeypatch.setattr(glad.fast, "missing", lambda name: "")
    started = []

    def engine(backbone, pixels):
        started.append(tuple(pixels.shape))
        return backbone

    monkeypatch.setitem(glad.fast.ENGINES, "onnxruntime", engine)
    eager = list(predict(run, [squares / "test"], backend="eager"))
    assert list(predict(run, [squares / "test"], backend="onnxruntime")) == eager
    assert len(started) == 1 and started[0][1] == 3
