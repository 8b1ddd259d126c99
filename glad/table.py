"""Recipes over seeds: train and score what is missing, then a table with spread, intervals, pairs and controls."""

import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stderr
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import stats

from glad.errors import UserError
from glad.files import write_text
from glad.progress import progress
from glad.recipes.find import find_recipe
from glad.run import Run, difference

START, END = "<!-- table -->", "<!-- /table -->"


@dataclass(frozen=True)
class Row:
    """What was measured of one recipe, one value a seed."""

    name: str
    accuracy: np.ndarray  # mean class accuracy, percent
    top2: np.ndarray  # share of the predictions that fall on the two commonest classes, percent
    domain: np.ndarray  # accuracy of the domain classifiers at the end of training, percent; NaN without any
    order: np.ndarray  # held-out order accuracy on target test videos after the warm-up, percent; NaN without one
    minutes: np.ndarray  # of training, warm-up included


def table(names: Sequence[str], seeds: Sequence[int], out: Path, jobs: int, results: Path | None) -> str:
    """Return the Markdown table of recipes `names` over `seeds`; runs lie in `out/NAME/SEED`.

    With `results` the table is also written there, together with the command that makes it. A run of another recipe
    in `out`, say of one that has been changed since, is refused.
    """
    check_scored(names, seeds, out)
    missing = [(name, seed) for seed in seeds for name in names if not Run(out / name / str(seed)).scores.exists()]
    for seed in dict.fromkeys(seed for _, seed in missing):
        find_recipe(names[0]).seeded(seed).data.ensure()
    # Fresh processes: this one may have used threads, which a fork would not survive.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool, progress("runs", len(missing)) as bar:
        for done in as_completed([pool.submit(finish, name, seed, out) for name, seed in missing]):
            bar.advance(note=done.result())
    rows = [measured(name, [Run(out / name / str(seed)) for seed in seeds]) for name in names]
    text = main_table(rows, seeds)
    if results is not None:
        command = f"glad table {' '.join(names)} --seeds {' '.join(map(str, seeds))}"
        insert(results, f"```\n{command}\n```\n\n{text}", f"\n{pair_table(rows)}")
    return f"{text}\n{pair_table(rows)}"


def check_scored(names: Sequence[str], seeds: Sequence[int], out: Path) -> None:
    """Refuse a scored run that is not of the recipe of that name as it is now."""
    for name, seed in ((name, seed) for name in names for seed in seeds):
        run = Run(out / name / str(seed))
        recipe = find_recipe(name).seeded(seed)
        if run.scores.exists() and (found := difference(run.recipe.model_dump(), recipe.model_dump())):
            raise UserError(f"{run.folder} holds a run of another recipe ({found}); remove it, or choose another --out")


def insert(page: Path, text: str, more: str) -> None:
    """Write `text` between the page's `<!-- table -->` marks; without marks, `text` and `more` become the page."""
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    if START in old and END in old:
        before, _, rest = old.partition(START)
        write_text(page, f"{before}{START}\n{text}{END}{rest.partition(END)[2]}")
    else:
        write_text(page, f"{text}{more}")


def finish(name: str, seed: int, out: Path) -> str:
    """Train and score one run in this process, on one core; return what it was and what came out."""
    import torch

    from glad.evaluate import evaluate
    from glad.train import train

    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        run = train(find_recipe(name).seeded(seed), out / name / str(seed), workers=0)
    if (run.warmup.folder / "last.pt").exists():
        write_text(run.folder / "order.json", json.dumps({"accuracy": order_accuracy(run.warmup)}) + "\n")
    return f"{name} {seed}: {100 * evaluate(run, workers=0).mean_class_accuracy:.1f}"


def order_accuracy(run: Run) -> float:
    """Return the share of held-out target videos whose clip order an order warm-up tells, over all orders of each.

    Videos too short for clips without overlap are left out, as their order has no answer.
    """
    import torch

    from glad.data.domain import Domain
    from glad.data.loader import Videos, evaluation_batches
    from glad.inputs import labelled_listing
    from glad.methods.heads import feature_maps
    from glad.methods.order import Order, in_order

    recipe, method = run.recipe, run.method()
    assert isinstance(method, Order)
    listing = labelled_listing(recipe.data.test, run.classes, every_class=False)
    domain = Domain(listing, recipe.target_views, recipe.test_pixels)
    right = asked = 0
    with torch.inference_mode():
        for clips, _ in evaluation_batches(Videos(domain, 16, tuple(range(len(domain)))), workers=0):
            maps = feature_maps(method.backbone, [clips], "joint")[0]["ordered"][in_order(clips.times["ordered"])]
            if len(maps):
                for label in range(method.head.tell.out_features):
                    wanted = torch.full((len(maps),), label)
                    right += int((method.head(maps, wanted).argmax(1) == wanted).sum())
                    asked += len(maps)
    return right / asked if asked else math.nan


def measured(name: str, runs: list[Run]) -> Row:
    """Return the measurements of one recipe's runs."""
    values = [(_accuracy(run), _top2(run), _domain(run), _order(run), _minutes(run)) for run in runs]
    accuracy, top2, domain, order, minutes = np.array(values, dtype=float).T
    return Row(name, 100 * accuracy, 100 * top2, 100 * domain, 100 * order, minutes)


def _accuracy(run: Run) -> float:
    return json.loads(run.scores.read_text(encoding="utf-8"))["mean_class_accuracy"]


def _top2(run: Run) -> float:
    counts = np.sort(np.array(json.loads(run.scores.read_text(encoding="utf-8"))["confusion"]).sum(axis=0))
    return counts[-2:].sum() / counts.sum()


def _log(run: Run) -> list[dict]:
    return [json.loads(line) for line in run.log.read_text(encoding="utf-8").splitlines()]


def _domain(run: Run) -> float:
    """Return the mean accuracy of the domain classifiers over the last fifth of the training."""
    lines = _log(run)
    tail = lines[-max(len(lines) // 5, 1) :]
    found = [value for line in tail for key, value in line["stats"].items() if key.startswith("accuracy_domain")]
    return float(np.mean(found)) if found else math.nan


def _order(run: Run) -> float:
    path = run.folder / "order.json"
    return json.loads(path.read_text(encoding="utf-8"))["accuracy"] if path.exists() else math.nan


def _minutes(run: Run) -> float:
    """Return the minutes of training that the logs of a run and its warm-up add up to."""
    seconds, logs = 0.0, [run.log, run.warmup.log]
    for lines in (_log(Run(log.parent)) for log in logs if log.exists()):
        before = 0
        for line in lines:
            seconds += line["seconds_per_step"] * (line["step"] - before)
            before = line["step"]
    return seconds / 60


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % t-interval of the mean over seeds, which counts videos, data and training alike."""
    if len(values) < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def main_table(rows: list[Row], seeds: Sequence[int]) -> str:
    """Return one line a recipe: every seed, mean and standard deviation, interval, controls."""
    head = ["recipe", *(f"seed {seed}" for seed in seeds), "mean ± sd", "95 % interval"]
    head += ["top-2 share", "domain acc.", "order acc.", "min"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        spread = f" ± {row.accuracy.std(ddof=1):.1f}" if len(seeds) > 1 else ""
        lines.append(
            [
                row.name,
                *(f"{value:.1f}" for value in row.accuracy),
                f"**{row.accuracy.mean():.1f}**{spread}",
                _interval(row.accuracy),
                *(_cell(values) for values in (row.top2, row.domain, row.order)),
                f"{row.minutes.mean():.1f}",
            ]
        )
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def pair_table(rows: list[Row]) -> str:
    """Return, for each two recipes, the paired difference over seeds with its interval."""
    lines = [["difference", "mean", "95 % interval", "seeds above 0"], ["---"] * 4]
    for i, base in enumerate(rows):
        for row in rows[i + 1 :]:
            gain = row.accuracy - base.accuracy
            above = f"{int((gain > 0).sum())}/{len(gain)}"
            lines.append([f"{row.name} − {base.name}", f"{gain.mean():+.1f}", _interval(gain, "+"), above])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _interval(values: np.ndarray, sign: str = "") -> str:
    low, high = mean_interval(values)
    return "one seed" if math.isnan(low) else f"[{low:{sign}.1f}, {high:{sign}.1f}]"


def _cell(values: np.ndarray) -> str:
    return "–" if np.isnan(values).all() else f"{np.nanmean(values):.0f}"
