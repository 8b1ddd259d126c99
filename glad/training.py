"""The loop: a recipe in, a run folder out. The same command again goes on where the last one stopped."""

import time
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from glad.batch import Losses
from glad.board import BoardName, check_board
from glad.data.loader import training_batches
from glad.errors import UserError
from glad.fast import missing
from glad.initial import inherit, initial_backbone
from glad.inputs import classes_of, described, training_steps
from glad.process import fabric_of, interruptible, keep_memory, leave_cores
from glad.progress import progress, say
from glad.recipe import Recipe
from glad.run import Run
from glad.runlog import RunLog
from glad.watch import Watch

SAVE_EVERY = 300.0  # seconds between checkpoints, besides the last


def train(
    recipe: Recipe,
    out: Path,
    *,
    workers: int = 2,
    devices: int = 1,
    stop_after: int | None = None,
    log: BoardName = "tensorboard",
) -> Run:
    """Train `recipe` into the folder `out` and return the run; go on where an earlier call stopped.

    Args:
        recipe: the run as a value. A recipe that it comes `after` is trained first, into `out/warmup`.
        out: the run folder; one that holds a run of another recipe is refused.
        workers: loader processes; 0 loads in this one.
        devices: processes, one a device, that share every batch.
        stop_after: stop, saved, when this many steps are done in all.
        log: where the run can be watched besides its `log.jsonl`.
    """
    check_board(log)
    leave_cores(workers)
    recipe.data.ensure()
    if not recipe.data.test.list.exists():
        say(f"there is nothing at {recipe.data.test.list} (data.test.list): this run can be trained, but not evaluated")
    if recipe.after is not None and recipe.init is not None:
        say(f"the weights of {recipe.init} stand in for the stage before, which is not run")
    if recipe.compile and (lacking := missing("compile")):
        raise UserError(f"a compiled backbone needs {lacking}; install it, or train with --no-compile")
    fabric = fabric_of(devices, recipe.precision)
    fabric.launch()
    return train_stage(recipe, Run(out), fabric, workers, log, stop_after)


def train_stage(recipe: Recipe, run: Run, fabric: Fabric, workers: int, live: BoardName, stop_after: int | None) -> Run:
    """Train one recipe, after the one before it, on processes that are there already; see `train`."""
    # start
    classes = classes_of(recipe.data)
    if (stage_before := recipe.warmup()) and not (run.last.exists() or run.published):
        # A fault in this stage's data is told before the other's hours.
        training_steps(recipe, classes, recipe.untrained(len(classes)).needs, 0, 1)
        train_stage(stage_before, run.warmup, fabric, workers, live, None)
    rank, world = fabric.global_rank, fabric.world_size

    with run.locked(rank == 0), interruptible() as interrupted:
        if rank == 0:
            run.begin(recipe, classes)

        # model: the same seed on every process
        torch.manual_seed(recipe.seed)
        method = recipe.method.build(initial_backbone(recipe, run), len(classes))
        inherit(method, recipe, run)
        if recipe.compile:
            method.backbone.compile(dynamic=False)
        skips = recipe.precision == "16-mixed"  # steps whose gradient is not finite: the scaler of half precision
        optimizer = inner = recipe.optim.build(method, fused=fabric.device.type == "cuda" and not skips)

        # data
        steps = training_steps(recipe, classes, method.needs, rank, world)
        per_epoch = steps.plan.steps_per_epoch
        total = recipe.steps or recipe.epochs * per_epoch
        if rank == 0:
            say("\n  ".join([f"{recipe.name}: {total} steps", *described(steps)]))

        # resume: once the parameters are on their device, so that the optimiser's state joins them there
        model, optimizer = fabric.setup(method, optimizer)
        first = 0
        if run.last.exists():
            checkpoint = run.checkpoint()
            method.load_state_dict(checkpoint["method"])
            optimizer.load_state_dict(checkpoint["optimizer"])
            first = checkpoint["step"]
            if rank == 0:
                say(f"  going on after step {first}")
        model.train()

        # loop
        keep_memory()
        saved = ready = time.monotonic()
        done, last = first, min(total, stop_after or total)
        kept = recipe.kept(total)[:-1]
        batches = training_batches(steps, first, last, workers, pin=fabric.device.type == "cuda")
        shown = progress(recipe.name, total, "step", first, shown=rank == 0)
        with RunLog(run, per_epoch, first, rank == 0, live) as log, shown as bar:
            watch = Watch(log.step, fabric.device, inner, skips)
            for step, batch in enumerate(batches, start=first):
                waited = time.monotonic() - ready
                batch = batch.map(fabric.to_device)
                batch.progress = step / total
                log.look(steps, batch, step)
                torch.manual_seed(step_seed(recipe.seed, step, rank))
                scale = recipe.optim.scale(step, total, per_epoch)
                recipe.optim.set_rate(optimizer, scale)

                losses: Losses = model(batch)
                fabric.backward(losses.total)
                norm, limit = None, recipe.optim.clip_norm
                if limit:
                    norm = fabric.clip_gradients(model, optimizer, max_norm=limit, error_if_nonfinite=False)
                watch.take(step + 1, losses, norm, recipe.optim.lr * scale, waited)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)

                done, ready = step + 1, time.monotonic()
                bar.advance(note=watch.note)
                stop = bool(interrupted)
                due = stop or ready - saved > SAVE_EVERY
                if due or done in kept:
                    watch.settle()
                if done in kept and fabric.is_global_zero:
                    run.keep(method, done)
                if due:
                    save(run, fabric, method, optimizer, done)
                    saved = ready
                if stop:
                    raise UserError(f"stopped after step {done} of {total}, saved; the same command goes on from there")
            watch.settle()

        # close
        if done > first:
            save(run, fabric, method, optimizer, done)
        fabric.barrier()
    return run


def save(run: Run, fabric: Fabric, method: nn.Module, optimizer: torch.optim.Optimizer, done: int) -> None:
    """Write a checkpoint of `done` steps; one process writes for all."""
    if fabric.is_global_zero:
        run.save({"method": method.state_dict(), "optimizer": optimizer.state_dict(), "step": done})


def step_seed(seed: int, step: int, rank: int) -> int:
    """Return the seed of a step's random numbers on one process: a resumed run draws what an unbroken one does."""
    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1)[0])
