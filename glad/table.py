"""A table of methods: train and score what is missing over seeds, several runs at once, and write what came out."""

import json
import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glad.errors import UserError
from glad.files import write_text
from glad.jobs import Job, jobs_that_fit, run_all
from glad.published import TABLES, Published
from glad.recipe import Recipe, init_path
from glad.recipes.find import benchmark as benchmark_tables
from glad.recipes.find import find_recipe
from glad.results import Row, result_of
from glad.run import Run, difference
from glad.tabular import comma_separated, latex, main_table, pair_table, seed_table

if TYPE_CHECKING:
    from glad.methods.order import Order

START, END = "<!-- table -->", "<!-- /table -->"
OURS = "<!-- written by glad table -->\n"


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
        return "Recipes", "", [Entry(recipe.name, recipe) for recipe in map(find_recipe, what)]
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

    A run that fails stops no other; at the end all that failed are named, and the same command tries them again.
    """
    check_comparable(entries, seeds)
    recipes = list({entry.recipe.name: entry.recipe for entry in entries}.values())
    check_runs(recipes, seeds, place)
    missing = [(recipe, seed) for seed in seeds for recipe in recipes if not place.run(recipe, seed).cost.exists()]
    for recipe, seed in missing:
        recipe.seeded(seed).data.ensure()
    check_files([recipe.seeded(seed) for recipe, seed in missing])
    if place.jobs is not None and place.jobs < 1:
        raise UserError(f"--jobs {place.jobs}: at least one run at a time")
    jobs = [Job(f"{recipe.name} seed {seed}", finish, (recipe, seed, place)) for recipe, seed in missing]
    if failed := run_all(jobs, place.jobs or jobs_that_fit(), "runs"):
        raise UserError(
            f"{len(failed)} of {len(missing)} runs failed, the others are kept; the same command tries again, and "
            "--methods or --seeds leave them out:\n" + "\n".join(failed)
        )
    return [row_of(entry, seeds, place) for entry in entries]


def check_comparable(entries: Sequence[Entry], seeds: Sequence[int]) -> None:
    """Refuse a table whose rows cannot be told apart, or cannot be compared video by video."""
    if len(set(seeds)) < len(seeds):
        raise UserError(f"--seeds {' '.join(map(str, seeds))}: a seed is named twice")
    first = entries[0]
    for entry in entries:
        if any(other.recipe.name == entry.recipe.name and other.recipe != entry.recipe for other in entries):
            raise UserError(f"two different recipes are called '{entry.recipe.name}'; give each a name of its own")
        if any(entry.recipe.seeded(seed).data.test != first.recipe.seeded(seed).data.test for seed in seeds):
            raise UserError(
                f"{entry.recipe.name} and {first.recipe.name} are tested on different videos (data.test), and cannot "
                "stand in one table"
            )


def check_runs(recipes: Sequence[Recipe], seeds: Sequence[int], place: Place) -> None:
    """Refuse a run that is not of the recipe of that name as it is now."""
    for recipe, seed in ((recipe, seed) for recipe in recipes for seed in seeds):
        run, wanted = place.run(recipe, seed), recipe.seeded(seed)
        if run.recipe_file.exists() and (found := difference(run.recipe.model_dump(), wanted.model_dump())):
            raise UserError(f"{run.folder} holds a run of another recipe ({found}); remove it, or choose another --out")


def check_files(recipes: Sequence[Recipe]) -> None:
    """Refuse to begin where a list of videos or a file of weights is missing that some run will need."""
    for recipe in recipes:
        pair = recipe.data
        needed = {"data.source.list": pair.source.list, "data.test.list": pair.test.list}
        needed |= {"data.target.list": pair.target.list}
        if pair.source_val is not None:
            needed["data.source_val.list"] = pair.source_val.list
        stage = recipe.warmup() or recipe
        if stage.init is not None:
            needed["init"] = init_path(stage.init)
        for field, path in needed.items():
            if not path.exists():
                raise UserError(f"{recipe.name} needs {path} ({field}), which is not there; no run was started")


def finish(recipe: Recipe, seed: int, place: Place) -> str:
    """Train and score one run in this process; return what came out. What it cost is written last."""
    import torch

    from glad.evaluate import evaluate
    from glad.training import train

    run, cuda = place.run(recipe, seed), torch.cuda.is_available()
    afresh = not run.last.exists()
    if not cuda:
        os.environ["OMP_NUM_THREADS"] = "1"
        torch.set_num_threads(1)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        if place.devices > 1:
            train_on_devices(recipe.seeded(seed), run, place)
        else:
            train(recipe.seeded(seed), run.folder, workers=place.workers)
        used = torch.cuda.max_memory_allocated() if cuda else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if run.warmup.last.exists():
            write_order_accuracy(run)
        scores = evaluate(run, workers=place.workers)
    # Of a run that was begun elsewhere, or that other processes trained, the largest memory is not known here.
    known = afresh and place.devices == 1
    write_text(run.cost, json.dumps({"mebibytes": used / 2**20 if known else None}) + "\n")
    return f"{100 * scores.mean_class_accuracy:.1f}"


def train_on_devices(recipe: Recipe, run: Run, place: Place) -> None:
    """Train by `glad train` in processes of its own: those that share a batch start their own command anew."""
    recipe.write(run.recipe_file)
    words = ["train", run.recipe_file, "--out", run.folder, "--devices", place.devices, "--workers", place.workers]
    command = [sys.executable, "-m", "glad", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as training:
        signal.signal(signal.SIGTERM, lambda number, _: training.send_signal(number))
        _, said = training.communicate()
    if training.returncode:
        raise UserError((said.strip() or f"training ended with status {training.returncode}").splitlines()[-1])


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
    from glad.inputs import unlabelled_listing
    from glad.methods.heads import feature_maps
    from glad.methods.order import in_order

    recipe = run.recipe
    listing = unlabelled_listing(recipe.data.test, run.classes)
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
    views = entry.recipe.test_views
    clips = f"{sum(map(len, views.views(400, None).values()))}x{views.length}"
    same = all(test == tests[0] for test in tests)
    return Row(entry.label, entry.recipe.name, clips, entry.paper, results, same)


def page(title: str, note: str, command: str, rows: Sequence[Row]) -> str:
    """Return a table as a Markdown page: the command, the main table, every seed, every pair."""
    parts = [f"{OURS}## {title}\n", f"```\n{command}\n```\n", main_table(rows), seed_table(rows), pair_table(rows)]
    return "\n".join([parts[0], *([f"{note}\n"] if note else []), *filter(None, parts[1:])])


def check_page(path: Path) -> None:
    """Refuse a page that would lose what others wrote."""
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a page, say {path / 'table.md'}")
    if path.exists() and not marked(old := path.read_text(encoding="utf-8")) and not old.startswith(OURS):
        raise UserError(
            f"{path} is no page of glad table; put {START} and {END} where the table shall go, or remove it"
        )


def marked(page: str) -> bool:
    """Return whether a page has the marks between which a table goes."""
    return START in page and END in page.partition(START)[2]


def write(path: Path, title: str, note: str, command: str, rows: Sequence[Row]) -> None:
    """Write a table between the marks of the page `path` where it has them, else as `path`, `.csv` and `.tex`."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if marked(old):
        before, _, rest = old.partition(START)
        text = f"```\n{command}\n```\n\n{main_table(rows)}"
        write_text(path, f"{before}{START}\n{text}{END}{rest.partition(END)[2]}")
        return
    write_text(path, page(title, note, command, rows))
    write_text(path.with_suffix(".csv"), comma_separated(rows))
    write_text(path.with_suffix(".tex"), latex(rows, title))
