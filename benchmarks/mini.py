"""Times a whole GLAD run on the miniature against a plain eager loop of the same steps: `python benchmarks/mini.py`.

The plain loop is what one writes first: in one process it reads the frames of every clip with OpenCV, mixes, moves and
flips them, and passes each view of each domain through the network on its own, with the threads that PyTorch takes by
default. Videos, random draws, losses, optimiser and schedule are ours, so that both compute the same: the samples are
asserted to differ by 2 levels at most, and the losses of the first step by 1 %.

A whole run is both stages, order warm-up and GLAD, each shortened to as many steps. Every variant runs in a process
of its own and times itself, from the first look at the data to the last weights, without the import of PyTorch.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from turns import Row, record

from glad.batch import Batch, Clips
from glad.data.loader import Steps
from glad.files import write_text
from glad.initial import inherit, initial_backbone
from glad.inputs import classes_of, training_steps
from glad.mini import make
from glad.recipe import Pair, Recipe
from glad.recipes.mini import GLAD, ORDER
from glad.run import Run
from glad.training import step_seed, train

HERE = Path(__file__).parents[1]


def recipe_of(steps: int) -> Recipe:
    """Return GLAD on the miniature below this folder, both stages cut to `steps` steps."""
    data = Pair.model_validate(
        {name: getattr(GLAD.data, name) for name in Pair.model_fields}
    )  # as it is, not made anew
    return GLAD.model_copy(update={"data": data, "steps": steps, "after": ORDER.model_copy(update={"steps": steps})})


class PlainDomain:
    """The videos of one domain, each sample made from all its frames, position by position."""

    def __init__(self, domain: Any, recipe: Recipe) -> None:
        self.domain, self.spatial, self.mix = domain, domain.spatial, None
        if domain.debias is not None:
            self.mix, self.bank = recipe.mix, domain.debias.bank

    def sample(self, index: int, address: tuple[int, ...]) -> tuple[dict, dict, int, int | None]:
        """Return views (n, 3, t, h, w), times, the method's draw and the label of a video."""
        listing, spatial = self.domain.listing, self.spatial
        record, rng = listing[index], np.random.default_rng(address)
        times = self.domain.sampler.views(record.frames, rng)
        across, down = rng.integers(-spatial.shift, spatial.shift + 1, size=2)
        flip = rng.random() < spatial.flip
        background, ratio = None, 0.0
        if self.mix is not None:
            drawn = self.mix.draw(len(self.bank), rng)
            if drawn is not None:
                video, ratio = drawn
                background = self.small(cv2.imread(str(self.bank.folder / f"{listing[video].path}.jpg")))
        views = {}
        for name, clips in times.items():
            found = []
            for clip in clips:
                frames = []
                for number in clip:
                    place = listing.layout.name(record.offset + int(number))
                    frame = self.small(cv2.imread(str(listing.root / record.path / place)))
                    frame = np.pad(frame, ((2, 2), (2, 2), (0, 0)), mode="edge")[
                        2 - down : 34 - down, 2 - across : 34 - across
                    ]
                    frame = frame[:, ::-1] if flip else frame
                    if background is not None:
                        frame = frame * np.float32(1 - ratio) + background * np.float32(ratio)
                        frame = (frame + np.float32(1e-4)).astype(np.uint8)
                    frames.append(frame)
                found.append(np.stack(frames))
            views[name] = np.stack(found).transpose(0, 4, 1, 2, 3)
        return views, times, int(rng.integers(2**31)), record.label

    def small(self, image: Any) -> np.ndarray:
        """Return a picture as RGB of the size of the clips."""
        size = self.spatial.size
        return cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (size, size), interpolation=cv2.INTER_AREA)

    def batch(self, entries: list) -> tuple[Clips, list]:
        """Return the clips of several videos and their labels."""
        samples = [self.sample(*entry) for entry in entries]
        views = {name: torch.from_numpy(np.stack([sample[0][name] for sample in samples])) for name in samples[0][0]}
        times = {name: torch.from_numpy(np.stack([sample[1][name] for sample in samples])) for name in samples[0][1]}
        return Clips(views, times, torch.tensor([sample[2] for sample in samples])), [sample[3] for sample in samples]


def plain_batches(steps: Steps, recipe: Recipe, count: int) -> Iterator[Batch]:
    """Yield the batches of the first `count` steps."""
    source, target = PlainDomain(steps.source, recipe), PlainDomain(steps.target, recipe)
    for step in range(count):
        clips, labels = source.batch(steps.plan.sources(step))
        others, _ = target.batch(steps.plan.targets(step))
        yield Batch(clips, torch.tensor(labels), others, None, steps.plan.step_draw(step))


def plain_stage(recipe: Recipe, run: Run) -> list[dict[str, float]]:
    """Train one stage as plainly as can be; return the terms of every step."""
    recipe = recipe.model_copy(update={"method": recipe.method.model_copy(update={"passes": "separate"})})
    classes, total = classes_of(recipe.data), recipe.steps
    assert total is not None
    torch.manual_seed(recipe.seed)
    method = recipe.method.build(initial_backbone(recipe, run), len(classes))
    inherit(method, recipe, run)
    optimizer = recipe.optim.build(method)
    steps = training_steps(recipe, classes, method.needs, 0, 1)
    method.train()
    found = []
    for step, batch in enumerate(plain_batches(steps, recipe, total)):
        batch.progress = step / total
        torch.manual_seed(step_seed(recipe.seed, step, 0))
        recipe.optim.set_rate(optimizer, recipe.optim.scale(step, total, steps.plan.steps_per_epoch))
        losses = method(batch)
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), recipe.optim.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        found.append({name: term.item() for name, term in losses.terms.items()})
    run.folder.mkdir(parents=True, exist_ok=True)
    run.save({"method": method.state_dict(), "optimizer": optimizer.state_dict(), "step": total})
    write_text(run.log, "".join(json.dumps({"step": k, "terms": terms}) + "\n" for k, terms in enumerate(found, 1)))
    return found


def plain(recipe: Recipe, out: Path) -> None:
    """Train both stages of `recipe` as plainly as can be."""
    warmup = recipe.warmup()
    assert warmup is not None
    plain_stage(warmup, Run(out).warmup)
    plain_stage(recipe, Run(out))


def alike(recipe: Recipe, out: Path) -> None:
    """Assert that the plain loop sees the same samples and computes the same first losses."""
    warmup = recipe.warmup()
    assert warmup is not None
    classes = classes_of(recipe.data)
    for stage in (warmup, recipe.model_copy(update={"after": None, "init": "glad:mini/init.safetensors"})):
        steps = training_steps(stage, classes, stage.untrained(len(classes)).needs, 0, 1)
        for step, theirs in enumerate(plain_batches(steps, stage, 2)):
            ours = steps[step]
            assert ours.label.equal(theirs.label) and ours.draw == theirs.draw
            for mine, other in ((ours.source, theirs.source), (ours.target, theirs.target)):
                assert mine is not None and other is not None and mine.draw.equal(other.draw)
                for name, view in mine.views.items():
                    assert mine.times[name].equal(other.times[name])
                    assert (view.int() - other.views[name].int()).abs().max() <= 2, f"samples differ: {name}"
        one = stage.model_copy(update={"steps": 1})
        theirs = plain_stage(one, Run(out / "theirs" / stage.name))[0]
        run = train(one.model_copy(update={"after": None}), out / "ours" / stage.name, workers=0)
        terms = json.loads(run.log.read_text(encoding="utf-8").splitlines()[0])["terms"]
        for name, value in terms.items():
            assert abs(value - theirs[name]) <= 0.01 * max(1.0, abs(value)), f"{name}: {value} is not {theirs[name]}"


def variant(name: str, steps: int, out: Path) -> dict[str, float]:
    """Run a variant in this process; return its wall and CPU seconds."""
    recipe = recipe_of(steps)
    wall, cpu = time.perf_counter(), used()
    if name == "plain":
        plain(recipe, out)
    else:
        train(recipe, out, workers={"ours": 2, "alone": 0}[name])
    return {"wall": time.perf_counter() - wall, "cpu": used() - cpu}


def used() -> float:
    """Return the CPU seconds of this process and of its children that ended."""
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in each)


def begun(name: str, steps: int, out: Path) -> subprocess.Popen:
    """Return a process that runs a variant; on its own core where it is one of several."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    if name == "alone":
        environment["OMP_NUM_THREADS"] = "1"  # as `glad table` runs its jobs
    command = [sys.executable, __file__, "--variant", name, "--steps", str(steps), "--out", str(out)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen) -> dict[str, float]:
    """Return what a process of a variant measured."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a variant ended with status {process.returncode}")
    return json.loads(said.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100, help="of each stage")
    parser.add_argument("--quick", action="store_true", help="few videos, few steps, one round, nothing written")
    parser.add_argument("--variant", choices=("ours", "alone", "plain"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.variant:
        print(json.dumps(variant(given.variant, given.steps, given.out)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if given.quick:
            given.rounds, given.steps = 1, 2
            os.chdir(folder)
            sizes = make.Sizes(source_train=2, source_val=1, target_train=2, target_test=1)
            make.Sizes = lambda: sizes
        else:
            os.chdir(HERE)
        compare(given.rounds, given.steps, Path(folder), given.quick)


def compare(rounds: int, steps: int, folder: Path, quick: bool) -> None:
    """Measure and keep the rows."""
    GLAD.data.ensure()
    alike(recipe_of(steps), folder / "alike")
    cores = len(os.sched_getaffinity(0))
    times: dict[str, list[dict[str, float]]] = {"plain": [], "ours": [], "side by side": []}
    for number in range(rounds):
        for name in ("plain", "ours"):
            times[name].append(ended(begun(name, steps, folder / f"{name}{number}")))
        start = time.perf_counter()
        runs = [begun("alone", steps, folder / f"alone{number}-{k}") for k in range(cores)]
        several = [ended(run) for run in runs]
        longest = time.perf_counter() - start
        times["side by side"].append({"wall": longest, "cpu": sum(run["cpu"] for run in several)})
    plain, ours, beside = times.values()

    def ratio(over: list[dict[str, float]], under: list[dict[str, float]], runs: int = 1) -> tuple[float, float, float]:
        each = sorted(runs * a["wall"] / b["wall"] for a, b in zip(over, under, strict=True))
        return median(each), each[0], each[-1]

    def of(found: list[dict[str, float]], clock: str) -> float:
        return median(one[clock] for one in found)

    rows = [
        Row(
            "a whole GLAD run on the miniature",
            "a plain eager loop",
            ratio(plain, ours),
            reach=1.5,
            figures={
                "s, plain": of(plain, "wall"),
                "s, ours": of(ours, "wall"),
                "CPU s, plain": of(plain, "cpu"),
                "CPU s, ours": of(ours, "cpu"),
            },
            note=f"{steps} steps of each stage, ours with two loader processes; the ratio is of wall time, for what is "
            "won is that loading and computing overlap.",
        ),
        Row(
            f"{cores} GLAD runs side by side, as glad table does",
            f"{cores} plain eager loops one after another",
            ratio(plain, beside, cores),
            reach=1.5,
            figures={"s, ours": of(beside, "wall"), "CPU s, ours": of(beside, "cpu")},
            note="Ours include the start of their processes and the import of PyTorch, the plain loops do not.",
        ),
    ]
    record("mini", rows, quick=quick)


if __name__ == "__main__":
    main()
