"""Features before training are those of the weights it began with, of the videos whose features are kept after it."""

import numpy as np

from glad.evaluate import evaluate
from glad.features import read_features
from glad.initial import starting_backbone
from glad.report.before import features_before
from glad.run import Run
from glad.training import train


def test_they_are_those_of_the_first_weights_on_the_same_videos(square_recipe, tmp_path):
    before = train(square_recipe(steps=1, seed=5), tmp_path / "before", workers=0)
    recipe = square_recipe(steps=6, init=str(before.folder))
    run = train(recipe, tmp_path / "run", workers=0)
    evaluate(run, workers=0)
    evaluate(before, workers=0)
    found, after, same = features_before(run, 0), read_features(run.features), read_features(before.features)
    np.testing.assert_allclose(found.source, same.source, rtol=1e-5)
    np.testing.assert_allclose(found.target, same.target, rtol=1e-5)
    assert np.array_equal(found.target_labels, after.target_labels) and found.source.shape == after.source.shape
    assert not np.allclose(found.source, after.source, rtol=1e-3)
    few = features_before(run, 0, most=3)
    assert np.array_equal(few.source, found.source[[0, 2, 5]]) and len(few.target) == 3


def test_the_stage_before_is_where_it_starts(square_recipe, tmp_path):
    recipe = square_recipe(steps=1, after=square_recipe(name="first", steps=2))
    run = train(recipe, tmp_path / "run", workers=0)
    weights = starting_backbone(recipe, run).state_dict()
    first = Run(run.folder / "warmup").child_state("backbone")
    assert all(np.array_equal(weights[name], first[name]) for name in first)
