"""The toolkit from Python is that of the command line: the same runs, the same predictions, the same refusals."""

import subprocess
import sys

import numpy as np
import pytest

import glad
from glad.data.video import open_video
from glad.errors import UserError


def test_names_are_there_and_load_nothing_before_they_are_used():
    code = "import sys, glad; assert 'torch' not in sys.modules and 'numpy' not in sys.modules; print(glad.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.strip() == glad.__version__, done.stderr
    for name in glad.__all__:
        assert getattr(glad, name).__name__ == name and name in dir(glad)
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = glad.lode  # pyright: ignore[reportAttributeAccessIssue]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"is not a run folder: it holds no recipe\.json"):
        glad.load(tmp_path)


def test_a_recipe_is_trained_loaded_scored_and_asked(square_recipe, tmp_path):
    recipe = square_recipe(steps=3)
    trained = glad.train(recipe, tmp_path / "run", workers=0)
    assert repr(trained) == f"<{recipe.name}, 2 classes, in {tmp_path / 'run'}>"
    again = glad.load(str(tmp_path / "run"))
    assert again.recipe == recipe and again.classes == trained.classes
    test = recipe.data.test
    path = test.folder / glad.open_listing(test.list, again.classes, labelled=True, root=test.folder)[0].path
    named = again.predict(path)
    assert glad.open_listing(str(test.list), labelled=True, root=str(test.folder)).root == test.folder
    video = open_video(str(path))
    frames = again.predict(np.asarray(video.frames(range(len(video)))))
    assert named.classes == frames.classes and named.probabilities == frames.probabilities
    assert again.predict_all([str(path), path], top=1)[1].probabilities == named.probabilities[:1]
    assert 0 <= again.evaluate(workers=0).mean_class_accuracy <= 1
