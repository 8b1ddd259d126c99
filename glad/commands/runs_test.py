"""Options reach every field of every stage of a recipe, and what cannot be meant is refused."""

from pathlib import Path
from typing import get_args

import pytest

from glad.board import BoardName
from glad.cli import main
from glad.commands.runs import Board, Rule, overridden, some
from glad.errors import UserError
from glad.methods.order import OrderConfig
from glad.recipe import RuleName
from glad.recipes.find import find_recipe
from glad.sampling import Ordered


@pytest.fixture
def chain(square_recipe):
    """A recipe with a stage before it."""
    views = Ordered(length=3, interval=1)
    before = square_recipe(name="order", method=OrderConfig(), source_views=views, target_views=views, steps=2)
    return square_recipe(after=before, steps=6)


def test_without_options_a_recipe_is_itself(chain, square_recipe):
    assert overridden(chain, [], "glad train x") == chain
    assert overridden(square_recipe(), [], "glad train x") == square_recipe()


def test_options_reach_any_field_of_both_stages(chain):
    words = [
        *(
            "--optim.lr",
            "0.5",
            "--steps",
            "9",
            "--seed",
            "3",
            "--method.dropout",
            "0.1",
            "--target-pixels.flip",
            "0.25",
        ),
        *("--source-views.length", "6", "--data.target.no-labelled", "--after.steps", "4", "--after.optim.lr", "0.25"),
    ]
    found = overridden(chain, words, "glad train x")
    assert (found.optim.lr, found.steps, found.seed, found.method.dropout) == (0.5, 9, 3, 0.1)  # pyright: ignore
    assert (found.source_views.length, found.target_pixels.flip, found.data.target.labelled) == (6, 0.25, False)
    assert (found.after.steps, found.after.optim.lr) == (4, 0.25)  # pyright: ignore
    assert type(found.method) is type(chain.method) and type(found.source_views) is type(chain.source_views)
    assert found.warmup().seed == 3  # the stage before follows  # pyright: ignore
    changed = {"optim", "steps", "seed", "method", "source_views", "target_pixels", "data", "after"}
    for name in type(chain).model_fields.keys() - changed:
        assert getattr(found, name) == getattr(chain, name)


def test_three_stages_are_a_chain(chain, square_recipe):
    last = square_recipe(name="last", after=chain)
    found = overridden(last, ["--steps", "1", "--after.steps", "2", "--after.after.steps", "3"], "glad train x")
    assert (found.steps, found.after.steps, found.after.after.steps) == (1, 2, 3)  # pyright: ignore


@pytest.mark.parametrize("words", [["--after.seed", "3"], ["--after.data.classes", "a", "b"]])
def test_what_a_stage_before_cannot_have_for_itself_is_refused(words, chain):
    with pytest.raises(UserError, match=r"runs on the same data and seed: set --(seed|data), not --after\."):
        overridden(chain, words, "glad train x")


@pytest.mark.parametrize(
    "words, meant", [(["--optim.lrr", "1"], "--optim.lr "), (["--after.stepz", "1"], "--after.steps ")]
)
def test_an_unknown_option_is_met_with_the_nearest(words, meant, chain, capsys):
    with pytest.raises(SystemExit) as left:
        overridden(chain, words, "glad train x")
    assert left.value.code == 2 and meant in capsys.readouterr().err


def test_some_means_at_least_one():
    assert some((1, 2), "number") == [1, 2]
    with pytest.raises(UserError, match="name at least one run folder"):
        some((), "run folder")


def test_a_value_out_of_range_is_one_sentence():
    with pytest.raises(UserError, match="epochs: Input should be greater than 0"):
        overridden(find_recipe("own-glad"), ["--epochs", "-1"], "glad train own-glad")


def test_the_rules_of_the_command_line_are_those_of_recipes():
    assert get_args(Rule) == get_args(RuleName)
    assert get_args(Board) == get_args(BoardName)


def test_evaluate_passes_the_rule_on(monkeypatch, capsys):
    import glad.evaluate

    asked = []
    monkeypatch.setattr(glad.evaluate, "evaluate", lambda run, **options: asked.append((run.folder, options)))
    monkeypatch.setattr(glad.evaluate, "summary", lambda run, scores: f"{run.folder.name}: scored")
    main(["evaluate", "a", "b", "--select", "infomax", "--workers", "0"])
    main(["evaluate", "a"])
    assert asked[:2] == [(Path(name), {"select": "infomax", "workers": 0, "features": 500}) for name in "ab"]
    assert asked[2] == (Path("a"), {"select": None, "workers": 2, "features": 500})
    assert capsys.readouterr().out == "a: scored\nb: scored\na: scored\n"
    with pytest.raises(SystemExit):
        main(["evaluate", "a", "--select", "best"])
    assert len(asked) == 3
    main(["evaluate", "a", "--features", "0"])
    assert asked[3][1]["features"] == 0
    with pytest.raises(SystemExit):
        main(["evaluate", "a", "--features", "-1"])


def test_train_passes_on_how_it_is_to_run(monkeypatch, capsys, tmp_path):
    import glad.training
    from glad.run import Run

    asked = []

    def train(recipe, out, **how):
        asked.append((recipe.name, out, how))
        run = Run(tmp_path)
        run.save({"step": 7})
        return run

    monkeypatch.setattr(glad.training, "train", train)
    main(["train", "mini-glad", "--log", "wandb", "--workers", "0", "--stop-after", "7"])
    how = {"workers": 0, "devices": 1, "stop_after": 7, "log": "wandb"}
    assert asked == [("mini-glad", Path("runs/mini-glad"), how)]
    assert capsys.readouterr().out == f"mini-glad: 7 steps trained into {tmp_path}; score: glad evaluate {tmp_path}\n"
