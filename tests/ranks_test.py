"""Two processes that share every batch end where one does, and write one log."""

import json
import os
import subprocess
import sys

import pytest
import torch

from glad.augment import Mix
from glad.methods.glad import GladConfig
from glad.methods.heads import Passes
from glad.methods.order import OrderConfig, OrderHeadConfig
from glad.optim import Optim
from glad.run import Run
from glad.sampling import Ordered
from glad.training import train

STEPS = 6


@pytest.mark.slow
def test_two_processes_are_one(square_recipe, tmp_path):
    """Without dropout, which draws per process; order labels are addressed by video and need no such care."""
    head = OrderHeadConfig(dropout=0.0, hidden=16, std=0.1)
    views = Ordered(length=3, interval=1, short="repeat_last")
    passes: Passes = "joint"
    optim = Optim(lr=0.05, schedule="constant", clip_norm=1.0)
    before = square_recipe(
        name="order",
        method=OrderConfig(head=head, passes=passes),
        source_views=views,
        target_views=views,
        optim=optim,
        steps=2,
    )
    recipe = square_recipe(
        method=GladConfig(dropout=0.0, align_dropout=0.0, order_head=head),
        mix=Mix(probability=0.5),
        optim=optim,
        steps=STEPS,
        after=before,
    )
    recipe.write(tmp_path / "recipe.json")
    command = [sys.executable, "-m", "glad", "train", str(tmp_path / "recipe.json"), "--out", str(tmp_path / "two")]
    done = subprocess.run(
        [*command, "--devices", "2", "--workers", "0"],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    one, two = train(recipe, tmp_path / "one", workers=0), Run(tmp_path / "two")
    for a, b in ((one.warmup, two.warmup), (one, two)):
        alone, shared = a.checkpoint()["method"], b.checkpoint()["method"]
        for name, value in alone.items():
            torch.testing.assert_close(shared[name], value, rtol=1e-3, atol=1e-5)
        lines = [json.loads(line) for line in b.log.read_text().splitlines()]
        assert [line["step"] for line in lines] == [b.checkpoint()["step"]]
    torch.manual_seed(0)
    fresh = recipe.method.build(recipe.backbone.build(), 2).state_dict()  # pyright: ignore
    assert not torch.allclose(fresh["classifier.linear.weight"], two.checkpoint()["method"]["classifier.linear.weight"])
