"""The loop does what a reader expects of it: rates, seeds, clipping, one loss over all terms. tests/ has the rest."""

import json
import sys

import pytest
import torch

from glad.augment import Mix
from glad.errors import UserError
from glad.methods.base import Needs
from glad.methods.glad import GladConfig
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.training import step_seed, train


def test_every_step_and_process_draws_its_own_numbers():
    seeds = {step_seed(seed, step, rank) for seed in range(4) for step in range(50) for rank in range(4)}
    assert len(seeds) == 800 and all(0 <= seed < 2**32 for seed in seeds)
    assert step_seed(1, 2, 3) == step_seed(1, 2, 3)


def test_a_step_of_plain_descent_is_rate_times_gradient(square_recipe, tmp_path):
    """One step of SGD without momentum, decay or clipping, redone by hand from the same batch."""
    from glad.inputs import training_steps

    optim = Optim(lr=0.1, momentum=0.0, weight_decay=0.0, classifier_lr=5.0, bias_lr=2.0, clip_norm=0.0)
    recipe = square_recipe(method=SupervisedConfig(dropout=0.0), optim=optim, steps=1)
    trained = train(recipe, tmp_path / "run", workers=0).checkpoint()["method"]

    torch.manual_seed(recipe.seed)
    method = recipe.method.build(recipe.backbone.build(), 2)
    method(training_steps(recipe, ("left", "right"), Needs(), 0, 1)[0]).total.backward()
    rates = {"classifier.linear.weight": 0.5, "classifier.linear.bias": 1.0, "backbone.conv1.bias": 0.2}
    for name, parameter in method.named_parameters():
        rate = rates.get(name, 0.2 if name.endswith("bias") else 0.1)
        torch.testing.assert_close(trained[name], parameter.detach() - rate * parameter.grad)


def test_the_rate_follows_the_schedule_by_epoch(square_recipe, tmp_path):
    recipe = square_recipe(optim=Optim(lr=1.0, schedule="step", milestones=(1, 2)), epochs=3, steps=None)
    run = train(recipe, tmp_path / "run", workers=0)  # 8 videos in batches of 4: 2 steps an epoch
    assert run.checkpoint()["step"] == 6
    (line,) = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert line["epoch"] == 3.0 and line["lr"] == pytest.approx(0.01)
    groups = run.checkpoint()["optimizer"]["param_groups"]
    assert all(group["lr"] == pytest.approx(0.01 * group["base_lr"]) for group in groups)


def test_methods_are_told_how_far_the_training_is(square_recipe, tmp_path, monkeypatch):
    import glad.methods.supervised

    seen = []
    forward = glad.methods.supervised.Supervised.forward
    monkeypatch.setattr(
        glad.methods.supervised.Supervised, "forward", lambda self, b: (seen.append(b.progress), forward(self, b))[1]
    )
    train(square_recipe(steps=4), tmp_path / "run", workers=0)
    assert seen == [0.0, 0.25, 0.5, 0.75]


def test_gradients_are_clipped_to_the_norm(square_recipe, tmp_path):
    """With a limit of next to nothing, plain descent stands still."""
    still = square_recipe(optim=Optim(lr=0.1, weight_decay=0.0, clip_norm=1e-9), steps=2)
    run = train(still, tmp_path / "run", workers=0)
    torch.manual_seed(still.seed)
    fresh = still.method.build(still.backbone.build(), 2).state_dict()
    for name, value in run.checkpoint()["method"].items():
        torch.testing.assert_close(value, fresh[name], rtol=0, atol=1e-8)


def test_source_only_needs_no_target_on_disk(square_recipe, square_pair, tmp_path):
    from pathlib import Path

    from glad.recipe import Videos

    gone = square_pair.model_copy(update={"target": Videos(list=Path("nowhere"))})
    assert train(square_recipe(data=gone, steps=1), tmp_path / "a", workers=0).checkpoint()["step"] == 1
    with pytest.raises(UserError, match="nowhere"):
        train(square_recipe(data=gone, steps=1, method=GladConfig()), tmp_path / "b", workers=0)


def test_stopping_after_more_steps_than_there_are_is_no_error(square_recipe, tmp_path):
    assert train(square_recipe(steps=2), tmp_path / "run", workers=0, stop_after=99).checkpoint()["step"] == 2


def test_factors_of_ten_bits_are_allowed_where_the_recipe_says_so_and_nowhere_else(square_recipe, tmp_path):
    for precision, allowed in (("tf32", "high"), ("32-true", "highest")):
        train(square_recipe(steps=1, precision=precision), tmp_path / precision, workers=0)
        assert torch.get_float32_matmul_precision() == allowed


def test_a_backbone_cannot_be_compiled_without_a_compiler(square_recipe, tmp_path, monkeypatch):
    import glad.training

    monkeypatch.setattr(glad.training, "missing", lambda name: f"what {name} needs")
    with pytest.raises(UserError, match="a compiled backbone needs what compile needs; install it, or train with"):
        train(square_recipe(steps=1, compile=True), tmp_path / "run", workers=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_backbone_trains_to_the_same_weights(square_recipe, tmp_path):
    """A minute at most; the small backbone, at two shapes: one clip of the whole video, two of its parts."""
    from glad.backbones.small import SmallConfig
    from glad.fast import missing

    if lacking := missing("compile"):
        pytest.skip(f"needs {lacking}")
    trained = {}
    for compiled in (False, True):
        recipe = square_recipe(method=GladConfig(), backbone=SmallConfig(), steps=3, compile=compiled)
        trained[compiled] = train(recipe, tmp_path / str(compiled), workers=0).checkpoint()["method"]
    assert list(trained[False]) == list(trained[True])
    for name, expected in trained[False].items():
        torch.testing.assert_close(trained[True][name], expected, rtol=1e-3, atol=1e-4, msg=name)


def test_where_it_is_watched_changes_nothing_in_it(square_recipe, tmp_path):
    recipe = square_recipe(mix=Mix(probability=0.5), after=None)
    shown = train(recipe, tmp_path / "shown", workers=0)
    alone = train(recipe, tmp_path / "alone", workers=0, log="none")
    assert list((shown.folder / "tensorboard").iterdir()) and not (alone.folder / "tensorboard").exists()
    for name, value in alone.checkpoint()["method"].items():
        assert torch.equal(value, shown.checkpoint()["method"][name])


def test_a_board_that_is_not_there_is_told_before_anything_is_begun(square_recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match="wandb"):
        train(square_recipe(), tmp_path / "run", workers=0, log="wandb")
    assert not (tmp_path / "run").exists()
