"""Anyone's video gets classes with probabilities, as one line to read or one of JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from glad.batch import Clips
from glad.data.domain import Domain
from glad.data.held import Given
from glad.data.video import open_video
from glad.errors import UserError
from glad.evaluate import answers, evaluate
from glad.predict import Prediction, Predictor, joined
from glad.run import Run
from glad.training import train


@pytest.fixture(scope="module")
def run(square_recipe, tmp_path_factory) -> Run:
    return train(square_recipe(), tmp_path_factory.mktemp("predict") / "run", workers=0)


@pytest.fixture(scope="module")
def predictor(run) -> Predictor:
    return Predictor(run)


def test_a_prediction_is_one_line_to_read_or_of_json():
    found = Prediction("a b.mp4", ("left", "right"), (0.75, 0.25))
    assert found.as_text() == "a b.mp4: left 75.0 %, right 25.0 %"
    assert json.loads(found.as_json()) == {
        "video": "a b.mp4",
        "class": "left",
        "probabilities": {"left": 0.75, "right": 0.25},
    }
    assert (found.name, found.probability) == ("left", 0.75)


def test_below_a_threshold_the_class_is_unknown():
    for limit, name in ((0.75, "left"), (0.7501, "unknown"), (0.0, "left"), (1.0, "unknown")):
        assert Prediction("a.mp4", ("left", "right"), (0.75, 0.25), limit).name == name
    found = Prediction("a.mp4", ("left", "right"), (0.75, 0.25), 0.8)
    assert found.as_text() == "a.mp4: unknown (left 75.0 %, right 25.0 %)"
    assert json.loads(found.as_json())["class"] == "unknown" and json.loads(found.as_json())["probabilities"]["left"]


def test_videos_keep_their_order_and_agree_with_the_evaluation(run, squares):
    evaluate(run, workers=0)
    rows = {row["path"]: row for row in map(json.loads, run.predictions.read_text().splitlines())}
    names = ["right_3", "left_0", "right_3"]
    found = list(Predictor(run).predict_all([squares / "test" / name for name in names]))
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
        Predictor(run)
    evaluate(run, workers=0)
    found = json.loads(run.selection.read_text())
    for step in (2, 6):
        run.selection.write_text(json.dumps(found | {"rules": found["rules"] | {"snd": step}}))
        one = Predictor(run).predict(video)
        method = run.method(dict(run.candidates())[step])
        domain = Domain(Given((video,)), run.recipe.test_views, run.recipe.test_pixels)
        said = answers({step: method}, domain, 0, lambda _: None)[step].probabilities[0]
        assert sorted(one.probabilities, reverse=True) == pytest.approx(sorted(said, reverse=True), abs=1e-6)


def test_only_the_most_probable_classes_are_told_when_asked(predictor, squares):
    one = predictor.predict(squares / "test" / "left_0", top=1)
    assert len(one.classes) == len(one.probabilities) == 1 and one.probabilities[0] >= 0.5


def test_a_path_its_text_and_its_frames_are_one_video(predictor, squares):
    path = squares / "test" / "left_0"
    frames = open_video(path).frames(np.arange(12))
    by_path, by_text, by_frames = predictor.predict_all([path, str(path), frames])
    assert by_path == by_text and by_frames.video == "12 frames"
    assert (by_frames.classes, by_frames.probabilities) == (by_path.classes, by_path.probabilities)


def test_videos_that_are_computed_together_get_what_each_gets_alone(run, predictor, squares):
    videos = sorted((squares / "test").iterdir()) + sorted((squares / "target").iterdir())[:3]
    alone = list(predictor.predict_all(videos))
    assert predictor.together == 1
    for together in (2, 3, 16):
        found = list(Predictor(run, together=together).predict_all(videos, workers=together == 3))
        assert [one.video for one in found] == [one.video for one in alone]
        for one, other in zip(found, alone, strict=True):
            assert one.classes == other.classes
            assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_joined_clips_are_those_of_each():
    one = Clips({"local": torch.zeros(1, 2, 3, 4, 5, 5)}, {"local": torch.zeros(1, 2, 4)}, torch.tensor([7]))
    two = one.map(lambda t: t + 1)
    found = joined([one, two])
    assert found.views["local"].shape == (2, 2, 3, 4, 5, 5) and found.times["local"].shape == (2, 2, 4)
    assert found.views["local"].mean(dim=(1, 2, 3, 4, 5)).tolist() == [0, 1] and found.draw.tolist() == [7, 8]
    assert joined([one]) is one


def test_a_missing_video_is_named(predictor, squares):
    with pytest.raises(UserError, match="there is no video at nowhere"):
        list(predictor.predict_all([squares / "test" / "left_0", Path("nowhere.mp4")]))


@pytest.mark.parametrize("together, workers", [(1, 0), (3, 0), (1, 1)])
def test_a_video_that_cannot_be_read_stops_none_of_the_others(run, squares, together, workers):
    whole = sorted(map(str, (squares / "test").iterdir()))
    failed = []
    given = [whole[0], "nowhere.mp4", whole[1], whole[2], "no.mp4", whole[3]]
    one_by_one = Predictor(run, together=together)
    found = one_by_one.predict_all(given, workers=workers, failed=lambda name, why: failed.append((name, str(why))))
    assert [one.video for one in found] == whole
    assert [name for name, _ in failed] == ["nowhere.mp4", "no.mp4"]
    assert failed[0][1].startswith("there is no video at nowhere.mp4")


def test_an_engine_is_told_how_much_is_left(predictor, squares):
    assert list(predictor.predict_all(sorted((squares / "test").iterdir()))) and predictor.engine.left == 0
    next(predictor.predict_all(sorted((squares / "test").iterdir())))
    assert predictor.engine.left == 3 * 3  # videos left, clips each


def test_a_stage_without_a_classifier_says_so(square_recipe, squares, tmp_path):
    from glad.methods.order import OrderConfig
    from glad.sampling import Ordered

    views = Ordered(length=3, interval=1)
    recipe = square_recipe(method=OrderConfig(), source_views=views, target_views=views, steps=1)
    warmup = train(recipe, tmp_path / "run", workers=0)
    with pytest.raises(UserError, match="run is a stage that has no action classifier; predict with the one after it"):
        Predictor(warmup)


def test_any_engine_names_the_same_actions(run, squares, monkeypatch):
    import glad.fast

    monkeypatch.setattr(glad.fast, "missing", lambda name: "")
    started = []

    def engine(backbone, pixels):
        started.append(tuple(pixels.shape))
        return backbone

    monkeypatch.setitem(glad.fast.ENGINES, "onnxruntime", engine)
    videos = sorted((squares / "test").iterdir())
    eager = list(Predictor(run, backend="eager").predict_all(videos))
    assert list(Predictor(run, backend="onnxruntime").predict_all(videos)) == eager
    assert len(started) == 1 and started[0][1] == 3
