"""The examples work: a method in a file of its own trains, scores and predicts like any other."""

import shutil
from pathlib import Path

import pytest
import torch

from glad.recipes.find import find_recipe, module_at

EXAMPLES = Path(__file__).parents[1] / "examples"
MINE = """
from own_method import MmdConfig
from recipes import SOURCE_ONLY as OTHER

TUPLE = (OTHER.model_copy(update={"name": "mine", "method": MmdConfig()}),)
"""


def test_the_discrepancy_of_equal_sets_is_0_and_of_sets_far_apart_nearly_2():
    mmd = module_at(str(EXAMPLES / "own_method.py"))
    rows = torch.randn(6, 4, generator=torch.manual_seed(0))
    assert mmd.discrepancy(rows, rows, (1.0,)).item() == pytest.approx(0.0, abs=1e-6)
    # Two points, a squared distance of 4 apart; over all four entries the mean is 2: exp(-4 / 2) between them.
    two = mmd.discrepancy(torch.tensor([[0.0]]), torch.tensor([[2.0]]), (1.0,)).item()
    assert two == pytest.approx(2 - 2 * torch.tensor(-2.0).exp().item())


def test_the_example_of_a_method_is_a_recipe():
    recipe = find_recipe(str(EXAMPLES / "own_method.py"))
    assert recipe.name == "mmd" and type(recipe.method).__name__ == "MmdConfig"


def test_a_method_of_ones_own_trains_and_scores(desk, glad_says):
    shutil.copy(EXAMPLES / "own_method.py", desk)
    (desk / "mine.py").write_text(MINE)
    glad_says("train", "mine.py:mine", "--out", "runs/mine", "--steps", 2, "--workers", 0, "--method.weight", 0.5)
    assert [path.name for path in (desk / "runs" / "mine").glob("code/*")] == ["own_method.py"]
    assert "mean class accuracy" in glad_says("--code", "own_method.py", "evaluate", "runs/mine", "--workers", 0)
    said = glad_says("--code", "own_method.py", "predict", "runs/mine", "test/right_1", "--json")
    assert '"class": "' in said


def test_own_videos_from_python(desk, capsys):
    module = module_at(str(EXAMPLES / "own_videos.py"))
    module.main(desk / "movies" / "source", desk / "movies" / "target", desk / "out", 1)
    said = capsys.readouterr().out
    assert "8 videos of left, right; " in said and "%" in said and "Counter({" in said


def test_a_gap_report_from_python(desk, capsys):
    module = module_at(str(EXAMPLES / "gap_report.py"))
    module.main(desk / "movies" / "source", desk / "movies" / "source", desk / "out")
    said = capsys.readouterr().out
    assert "temporal gap: 0.0 frames" in said and "total_variation': 0.0" in said and "not measured" in said
