"""A table of methods: train and score what is missing over seeds, several runs at once, and write what came out."""

import json
import math
import os
import resource
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from glad.errors import UserError
from glad.files import write_text
from glad.progress import progress
from glad.published import TABLES, Published
from glad.recipe import Recipe
from glad.recipes.find import benchmark as benchmark_tables
from glad.recipes.find import find_recipe
from glad.results import Row, result_of
from glad.run import Run, difference
from glad.tabular import comma_separated, latex, main_table, pair_table, seed_table

if TYPE_CHECKING:
    from glad.methods.order import Order

START, END = "<!-- table -->", "<!-- /table -->"
ROOM = 2**30  # bytes that a run on a CPU may need beside its videos; a run of the miniature takes about 0.7 of it


@dataclass(frozen=True)
class Entry:
    """One row to be: what it is called, its recipe, its row in the paper."""

    label: str
    recipe: Recipe
    paper: Published | None = None


@dataclass(frozen=True)
class Place:
    """Where runs lie and how they are made.

    Attributes:
        out: runs are at `out/RECIPE/SEED`.
        jobs: runs at once, each on one core; None is as many as cores and memory allow, one where there is a GPU.
        workers, devices: of each run, as in `glad train`.
    """

    out: Path
    jobs: int | None = None
    workers: int = 0
    devices: int = 1

    def run(self, recipe: Recipe, seed: int) -> Run:
        """Return the run of a recipe and seed."""
        return Run(self.out / recipe.name / str(seed))


def entries_of(what: Sequence[str], benchmark: str, methods: Sequence[str]) -> tuple[str, str, list[Entry]]:
    """Return title, note and rows of what is asked for: one table of the paper on a benchmark, or recipes by name."""
    if what[0] not in TABLES:
        if methods:
            raise UserError("--methods chooses rows of a table of the paper; name recipes alone")
        return "Recipes", "", [Entry(name, find_recipe(name)) for name in what]
    if len(what) > 1:
        raise UserError(f"one table at a time: glad table {what[0]}")
    paper, recipes = TABLES[what[0]], benchmark_tables(benchmark).get(what[0])
    if recipes is None:
        raise UserError(f"the benchmark '{benchmark}' has no table {what[0]}")
    published = {row.label: row for row in paper.rows}
    unknown = [name for name in methods if name not in recipes]
    if unknown:
        raise UserError(f"table {what[0]} has no row '{unknown[0]}'; its rows are: {', '.join(recipes)}")
    chosen = [Entry(label, recipe, published.get(label)) for label, recipe in recipes.items()]
    return f"{paper.title}, on {benchmark}", paper.note, [e for e in chosen if not methods or e.label in methods]


def page_name(what: Sequence[str], benchmark: str) -> str:
    """Return what the page of a table is called where no other name is given."""
    return f"table-{what[0]}-{Path(benchmark).stem}.md" if what[0] in TABLES else "table.md"


def table(entries: Sequence[Entry], seeds: Sequence[int], place: Place) -> list[Row]:
    """Return the rows of a table, after training and scoring the runs that are missing and finishing what was begun.

    A run of another recipe in its place, say of one that has been changed since, is refused.
    """
    recipes = list({entry.recipe.name: entry.recipe for entry in entries}.values())
    check_runs(recipes, seeds, place)
    missing = [(r, seed) for seed in seeds for r in recipes if not place.run(r, seed).selection.exists()]
    for recipe, seed in missing:
        recipe.seeded(seed).data.ensure()
    jobs = min(place.jobs or jobs_that_fit(), max(len(missing), 1))
    # A fresh process for every run: this one may have used threads, which a fork would not survive, and the largest
    # memory of a process cannot be measured twice.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        try:
            with progress("runs", len(missing)) as bar:
                for done in as_completed([pool.submit(finish, recipe, seed, place) for recipe, seed in missing]):
                    bar.advance(note=done.result())
        except BrokenProcessPool:
            raise UserError(
                f"a run was killed, probably for lack of memory; try fewer --jobs than {jobs}, what is done is kept"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [row_of(entry, seeds, place) for entry in entries]


def check_runs(recipes: Sequence[Recipe], seeds: Sequence[int], place: Place) -> None:
    """Refuse a run that is not of the recipe of that name as it is now."""
    for recipe, seed in ((recipe, seed) for recipe in recipes for seed in seeds):
        run, wanted = place.run(recipe, seed), recipe.seeded(seed)
        if run.last.exists() and (found := difference(run.recipe.model_dump(), wanted.model_dump())):
            raise UserError(f"{run.folder} holds a run of another recipe ({found}); remove it, or choose another --out")


def jobs_that_fit() -> int:
    """Return how many runs the machine can hold at once: one a core and `ROOM`, or one where there is a GPU."""
    import torch

    if torch.cuda.is_available():
        return 1
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(len(os.sched_getaffinity(0)), free // ROOM))


def finish(recipe: Recipe, seed: int, place: Place) -> str:
    """Train and score one run in this process; return what it was and what came out."""
    import torch

    from glad.evaluate import evaluate
    from glad.train import train

    run = place.run(recipe, seed)
    cuda = torch.cuda.is_available()
    if not cuda:
        os.environ["OMP_NUM_THREADS"] = "1"
        torch.set_num_threads(1)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        train(recipe.seeded(seed), run.folder, workers=place.workers, devices=place.devices)
        used = torch.cuda.max_memory_allocated() if cuda else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if (run.warmup.folder / "last.pt").exists():
            write_order_accuracy(run)
        scores = evaluate(run, workers=place.workers)
    write_text(run.folder / "cost.json", json.dumps({"mebibytes": used / 2**20}) + "\n")
    return f"{recipe.name} {seed}: {100 * scores.mean_class_accuracy:.1f}"


def write_order_accuracy(run: Run) -> None:
    """Write how often the order warm-up of `run` tells the order of clips of held-out target videos, if it is one."""
    from glad.methods.order import Order

    method = run.warmup.method()
    if isinstance(method, Order):
        write_text(run.folder / "order.json", json.dumps({"accuracy": order_accuracy(run.warmup, method)}) + "\n")


def order_accuracy(run: Run, method: "Order") -> float:
    """Return the share of held-out target videos whose clip order `method` tells, over all orders of each.

    Videos too short for clips without overlap are left out, as their order has no answer.
    """
    import torch

    from glad.data.domain import Domain
    from glad.data.loader import Videos, evaluation_batches
    from glad.inputs import labelled_listing
    from glad.methods.heads import feature_maps
    from glad.methods.order import in_order

    recipe = run.recipe
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


def row_of(entry: Entry, seeds: Sequence[int], place: Place) -> Row:
    """Return what was measured of one recipe's runs."""
    tests = [entry.recipe.seeded(seed).data.test for seed in seeds]
    results = tuple(result_of(place.run(entry.recipe, seed), seed) for seed in seeds)
    return Row(entry.label, entry.recipe.name, entry.paper, results, same_videos=all(t == tests[0] for t in tests))


def page(title: str, note: str, command: str, rows: Sequence[Row]) -> str:
    """Return a table as a Markdown page: the command, the main table, every seed, every pair."""
    return "\n".join(
        [
            f"## {title}\n",
            f"{note}\n" if note else "",
            f"```\n{command}\n```\n",
            main_table(rows),
            seed_table(rows),
            pair_table(rows),
        ]
    )


def write(path: Path, title: str, note: str, command: str, rows: Sequence[Row]) -> None:
    """Write a table between the marks of the page `path` where it has them, else as `path`, `.csv` and `.tex`."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if START in old and END in old:
        before, _, rest = old.partition(START)
        text = f"```\n{command}\n```\n\n{main_table(rows)}"
        write_text(path, f"{before}{START}\n{text}{END}{rest.partition(END)[2]}")
        return
    write_text(path, page(title, note, command, rows))
    write_text(path.with_suffix(".csv"), comma_separated(rows))
    write_text(path.with_suffix(".tex"), latex(rows, title))
