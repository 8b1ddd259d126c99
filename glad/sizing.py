"""What a project may ask of its machine: sizes for the videos and the hardware at hand, and the time they take."""

import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

from glad.evaluate import device_at_hand
from glad.initial import initial_backbone
from glad.inputs import training_steps
from glad.machine import Machine
from glad.recipe import Recipe
from glad.recipe_file import NETWORKS, BackboneName, Sizes
from glad.run import Run

LENGTH = 8  # frames of a clip, as glad.recipe_file writes it
PASSES = 60  # over the source, of the second stage; the first makes half as many
EXAMPLE_BATCHES = 8  # timed ones, fewer where they take long; one more comes first and warms up
EXAMPLE_SECONDS = 4.0  # when no further step is begun, once two are timed
SHARED = 0.25  # of the shorter of loading and computing, which the longer one loses to it (see training_minutes)
BEGINNING = 2.0  # seconds of a stage before its first step and after its last


def interval_for(source: np.ndarray, target: np.ndarray) -> int:
    """Return the interval of dense clips: 2, or 1 where two clips at 2 are longer than half the videos of a domain."""
    return 2 if min(np.median(source), np.median(target)) >= 2 * 2 * LENGTH else 1


def sizes(backbone: BackboneName, source: np.ndarray, target: np.ndarray, machine: Machine) -> Sizes:
    """Return what suits the machine and the videos, whose lengths in frames are `source` (n,) and `target` (m,).

    A batch holds no more videos than the source has, and leaves several steps to a pass over many. A large network
    gets 6 GiB of the GPU for every video of a domain, as in the release (4 on 24 GB); without a GPU it gets small
    pictures and few steps, to see that it runs.
    """
    large, gpu = backbone != "small", machine.gpu is not None
    most, longest = (32, 20_000) if gpu else (8, 3_000)
    if large:
        most, longest = (max(2, min(32, int(machine.gpu_memory / 6))), 20_000) if gpu else (2, 300)
    batch = min(most, len(source), max(8, len(source) // 4))
    steps = int(np.clip(PASSES * (len(source) // batch), 300, longest))
    return Sizes(
        size=NETWORKS[backbone].size // (2 if large and not gpu else 1),
        interval=interval_for(source, target),
        batch_size=batch,
        order_steps=steps // 2,
        steps=steps,
        precision="bf16-mixed" if large and gpu else "32-true",
    )


def training_minutes(recipe: Recipe, classes: tuple[str, ...], workers: int) -> float:
    """Return about how long both stages of `recipe` take here, after making a few steps of each.

    A step takes as long as loading or computing it, whichever is longer, and a quarter of the other: they run at the
    same time, and slow one another on the memory that they share. A stage takes 2 s besides. Both numbers are measured
    on two cores (AMD EPYC, one worker): steps that compute for 0.14 and 0.09 s and load for 0.09 and 0.08 s took 0.144
    and 0.115 s in training, and `glad train` of both stages 4 s more than its steps.
    """
    before = recipe.warmup()
    assert before is not None
    stages = (before, recipe.model_copy(update={"after": None}))
    seconds = [BEGINNING + seconds_per_step(stage, classes, workers) * (stage.steps or 0) for stage in stages]
    return sum(seconds) / 60


def seconds_per_step(recipe: Recipe, classes: tuple[str, ...], workers: int) -> float:
    """Return how long a step of `recipe` takes, loading being shared by `workers` (0: the process that computes)."""
    device = device_at_hand()
    method = recipe.method.build(initial_backbone(recipe, Run(Path("nowhere"))), len(classes)).to(device)
    steps = training_steps(recipe, classes, method.needs, 0, 1)
    optimizer = recipe.optim.build(method)
    loading, computing = [], []
    step = 0
    while step < 3 or (step <= EXAMPLE_BATCHES and sum(loading[1:]) + sum(computing[1:]) < EXAMPLE_SECONDS):
        start = time.perf_counter()
        batch = steps[step].map(lambda tensor: tensor.to(device))
        loaded = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bf16-mixed"):
            total = method(batch).total
        total.backward()
        if recipe.optim.clip_norm:
            torch.nn.utils.clip_grad_norm_(method.parameters(), recipe.optim.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        total.item()
        loading.append(loaded - start)
        computing.append(time.perf_counter() - loaded)
        step += 1
    load, compute = median(loading[1:]), median(computing[1:])
    if not workers:
        return load + compute
    return max(load / workers, compute) + SHARED * min(load / workers, compute)
