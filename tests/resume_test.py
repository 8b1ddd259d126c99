"""A run that stops and goes on ends where an unbroken one does, to the last bit; what cannot go on says why."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from glad.augment import Mix, Spatial
from glad.errors import UserError
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.run import Run
from glad.sampling import Ordered
from glad.training import step_seed, train

STEPS = 10


@pytest.fixture
def recipe(square_recipe):
    """Everything that draws random numbers: shifts, flips, mixing, dropout, orders, AdamW, a schedule, two epochs."""
    pixels = Spatial(size=16, short_side=None, crop="multiscale", flip=0.5, shift=1)
    return square_recipe(
        method=GladConfig(order_weight=0.5),
        mix=Mix(probability=0.5, ratio="uniform"),
        optim=Optim(optimizer="adamw", lr=1e-2, schedule="onecycle"),
        source_pixels=pixels,
        target_pixels=pixels,
        steps=STEPS,
    )


def same(a: Run, b: Run) -> bool:
    """Return whether two runs ended with equal weights and equal state of the optimiser."""
    return equal(a.checkpoint(), b.checkpoint())


def equal(a, b) -> bool:
    """Return whether nested values are equal, tensors to the last bit."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


def logged(run: Run) -> list[dict]:
    return [json.loads(line) for line in run.log.read_text().splitlines()]


def test_two_times_five_steps_are_ten(recipe, tmp_path):
    whole = train(recipe, tmp_path / "whole", workers=0)
    half = train(recipe, tmp_path / "halves", workers=0, stop_after=5)
    assert half.checkpoint()["step"] == 5 and not same(whole, half)
    resumed = train(recipe, tmp_path / "halves", workers=0)
    assert same(whole, resumed)
    assert [line["step"] for line in logged(resumed)] == [5, 10]
    assert logged(whole)[-1]["step"] == logged(resumed)[-1]["step"] == STEPS
    # The averages of five and five make that of ten: the same steps were taken.
    mean = [sum(line["terms"]["class"] for line in logged(run)) / len(logged(run)) for run in (whole, resumed)]
    assert mean[0] == pytest.approx(mean[1], rel=1e-6)


def test_a_finished_run_is_left_as_it_is(recipe, tmp_path):
    run = train(recipe, tmp_path / "run", workers=0, stop_after=2)
    before = run.last.stat().st_mtime_ns, run.log.read_text()
    train(recipe, tmp_path / "run", workers=0, stop_after=2)
    assert before == (run.last.stat().st_mtime_ns, run.log.read_text())


def test_the_number_of_workers_cannot_matter(recipe, tmp_path):
    alone = train(recipe, tmp_path / "alone", workers=0, stop_after=6)
    train(recipe, tmp_path / "two", workers=2, stop_after=3)
    assert same(alone, train(recipe, tmp_path / "two", workers=2, stop_after=6))


def test_the_seed_does_matter(recipe, tmp_path):
    runs = [
        train(recipe.model_copy(update={"seed": seed}), tmp_path / f"{seed}", workers=0, stop_after=1)
        for seed in (0, 1)
    ]
    assert not same(*runs)
    assert len({step_seed(s, step, rank) for s in range(3) for step in range(3) for rank in range(3)}) == 27


def test_the_stage_before_is_resumed_too(recipe, square_recipe, tmp_path):
    views = Ordered(length=3, interval=1, short="repeat_last")
    before = square_recipe(name="order", method=OrderConfig(), source_views=views, target_views=views, steps=4)
    chain = recipe.model_copy(update={"after": before})
    whole = train(chain, tmp_path / "whole", workers=0, stop_after=2)
    train(chain.warmup(), tmp_path / "broken" / "warmup", workers=0, stop_after=2)  # as if stopped in the first stage
    resumed = train(chain, tmp_path / "broken", workers=0, stop_after=2)
    assert same(whole.warmup, resumed.warmup) and same(whole, resumed)
    without = train(recipe, tmp_path / "without", workers=0, stop_after=2)
    assert not same(whole, without)


COMMAND = """
import sys, time
import glad.training, glad.data.domain
draw = glad.data.domain.Domain.sample
glad.data.domain.Domain.sample = lambda *given: (time.sleep(0.02), draw(*given))[1]  # so that there is time to stop it
from glad.cli import main
main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("number, workers", [(signal.SIGINT, "2"), (signal.SIGTERM, "0")])
def test_ctrl_c_saves_and_the_same_command_goes_on(number, workers, recipe, tmp_path):
    recipe.write(tmp_path / "recipe.json")
    out = tmp_path / "run"
    words = ["train", str(tmp_path / "recipe.json"), "--out", str(out), "--workers", workers]
    command = [sys.executable, "-c", COMMAND, *words]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while not (out / "log.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    first.send_signal(number)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 2, said
    done = Run(out).checkpoint()["step"]
    assert 0 < done < STEPS
    expected = f"glad: stopped after step {done} of {STEPS}, saved; the same command goes on from there"
    assert said.splitlines()[-1] == expected and "Traceback" not in said
    second = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert second.returncode == 0, second.stderr
    assert same(Run(out), train(recipe, tmp_path / "whole", workers=0))


def test_a_second_training_in_one_folder_is_refused(recipe, tmp_path):
    with Run(tmp_path / "run").locked(), pytest.raises(UserError, match="another process is training here"):
        train(recipe, tmp_path / "run", workers=0)


def test_another_recipe_in_the_folder_is_refused_by_the_field(recipe, tmp_path):
    train(recipe, tmp_path / "run", workers=0, stop_after=1)
    before = Run(tmp_path / "run").last.read_bytes()
    other = recipe.model_copy(update={"optim": recipe.optim.model_copy(update={"lr": 0.5})})
    with pytest.raises(UserError, match=r"another recipe \(optim\.lr: 0\.01 is not 0\.5\)"):
        train(other, tmp_path / "run", workers=0)
    assert Run(tmp_path / "run").last.read_bytes() == before


def test_a_checkpoint_cut_short_is_one_sentence(recipe, tmp_path):
    run = train(recipe, tmp_path / "run", workers=0, stop_after=1)
    run.last.write_bytes(run.last.read_bytes()[:-1000])
    with pytest.raises(UserError, match=r"last\.pt: cannot be read as a checkpoint") as caught:
        train(recipe, tmp_path / "run", workers=0)
    assert "\n" not in str(caught.value)


def test_a_run_killed_before_it_saved_starts_afresh_and_logs_once(recipe, tmp_path):
    run = train(recipe, tmp_path / "run", workers=0)
    run.last.unlink()
    again = train(recipe, tmp_path / "run", workers=0)
    assert [line["step"] for line in logged(again)] == [STEPS]


@pytest.mark.parametrize("method, terms", [(SupervisedConfig(), ["class"]), (GladConfig(), ["class", "align_global"])])
def test_a_loss_that_is_not_finite_stops_the_run_with_step_and_terms(method, terms, square_recipe, tmp_path):
    recipe = square_recipe(method=method, optim=Optim(lr=1e30, clip_norm=0.0))
    with pytest.raises(UserError, match="the loss is not finite in step 2: ") as caught:
        train(recipe, tmp_path / "run", workers=0)
    assert all(f"{name} " in str(caught.value) for name in terms)
    assert "nan" in str(caught.value) or "inf" in str(caught.value)
    assert not Run(tmp_path / "run").last.exists()


def test_a_fault_in_the_data_of_the_second_stage_is_told_before_the_first_runs(recipe, square_recipe, tmp_path):
    views = Ordered(length=3, interval=1, short="repeat_last")
    before = square_recipe(name="order", method=OrderConfig(), source_views=views, target_views=views)
    data = recipe.data.model_copy(update={"backgrounds": Path("nowhere")})
    with pytest.raises(UserError, match="prepare backgrounds"):
        train(recipe.model_copy(update={"data": data, "after": before}), tmp_path / "run", workers=0)
    assert not (tmp_path / "run" / "warmup").exists()
