"""Commands about recipes and runs. Each imports what it needs when it is called."""

import shlex
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import Positional, arg

from glad.commands.seed import check_seeds
from glad.commands.workers import Workers
from glad.errors import UserError

if TYPE_CHECKING:
    from glad.recipe import Recipe

Runs = Annotated[tuple[Path, ...], Positional, arg(metavar="RUN ...")]
# As in glad.recipe, which takes a second to import.
Rule = Literal["last", "source_val", "entropy", "infomax", "snd", "bnm", "class_cluster", "oracle"]
Board = Literal["tensorboard", "wandb", "none"]  # as in glad.board


def recipes() -> None:
    """List the recipes that come with the package."""
    from glad.recipes.find import shipped

    for name, recipe in shipped().items():
        print(f"{name:<28} {recipe.about}")


@dataclass(frozen=True)
class TrainOptions:
    """Train a recipe into a run folder; the same command again goes on where the last one stopped.

    Every field of the recipe can be set: --optim.lr 1e-3, --data.source.root videos/, and with --after. those of the
    stage before it: --after.epochs 5. `glad train RECIPE --help` lists them.
    """

    recipe: Annotated[str, Positional, arg(metavar="RECIPE")]
    """A name from `glad recipes`, my_recipes.py, my_recipes.py:name, or a run's recipe.json. Python files are run."""
    out: Path | None = None
    """The run folder; not given, runs/NAME by the name of the recipe."""
    workers: Workers = 2
    """Processes that load videos; 0 loads in the training process."""
    devices: int = 1
    """Processes that train, one a GPU; they share every batch."""
    stop_after: int | None = None
    """Stop, saved, when so many steps are done in all; a stage before is not counted."""
    log: Board = "tensorboard"
    """Where the run can be watched besides its log.jsonl (docs/runs.md)."""


def train(arguments: list[str]) -> None:
    """Train a recipe into a run folder, or go on where an earlier call stopped."""
    from glad.recipes.find import find_recipe

    helped = [word for word in arguments if word in ("-h", "--help")]
    if helped and (len(arguments) == len(helped) or arguments[0].startswith("-")):
        tyro.cli(TrainOptions, args=helped, prog="glad train")
    plain = [word for word in arguments if word not in helped]
    options, fields = tyro.cli(TrainOptions, args=plain, prog="glad train", return_unknown_args=True)
    recipe = overridden(find_recipe(options.recipe), [*fields, *helped], f"glad train {options.recipe}")

    import glad.training

    out = options.out or Path("runs") / recipe.name
    how = {name: getattr(options, name) for name in ("workers", "devices", "stop_after", "log")}
    run = glad.training.train(recipe, out, **how)
    steps = run.checkpoint(mapped=True)["step"]
    print(f"{recipe.name}: {steps} steps trained into {run.folder}; score: glad evaluate {run.folder}")


def overridden(recipe: "Recipe", arguments: list[str], prog: str) -> "Recipe":
    """Return `recipe` with the fields that `arguments` names replaced; `--after.x` reaches into the stage before."""
    from pydantic import ValidationError

    from glad.recipe import sentence

    kind, default = with_stages(recipe)
    try:
        changed = tyro.cli(kind, default=default, args=arguments, prog=prog, config=(tyro.conf.AvoidSubcommands,))
    except ValidationError as error:
        raise UserError(sentence(error)) from None
    return without_stages(changed, default)


def with_stages(recipe: "Recipe") -> tuple[Any, Any]:
    """Return a type and value that the command line can be made from: the recipe, and under `after` the one before."""
    from glad.recipe import Recipe

    alone = recipe.model_copy(update={"after": None})
    if not isinstance(recipe.after, Recipe):
        return Recipe, alone
    before, value = with_stages(recipe.after)
    stages = make_dataclass("Stages", [("recipe", Annotated[Recipe, arg(name="")]), ("after", before)])
    stages.__doc__ = f"{recipe.name}, and with --after. the stage before it, {recipe.after.name}."
    return stages, stages(alone, value)


def without_stages(changed: Any, default: Any) -> "Recipe":
    """Return the recipe that `with_stages` took apart; a change of the stage before that has no effect is refused."""
    if not hasattr(changed, "recipe"):
        return changed
    after = without_stages(changed.after, default.after)
    was = without_stages(default.after, default.after)
    for name in ("data", "seed"):
        if getattr(after, name) != getattr(was, name):
            raise UserError(f"the stage before runs on the same data and seed: set --{name}, not --after.{name}")
    return changed.recipe.model_copy(update={"after": after})


def evaluate(runs: Runs, select: Rule | None = None, workers: Workers = 2, features: int = 500) -> None:
    """Score runs on their target test videos, and write predictions, scores and confusion matrix into each.

    Args:
        runs: run folders.
        select: the rule that chooses the checkpoint, of those that were kept (docs/selection.md); not given, the
            recipe's. Only `oracle` sees labels of the target.
        workers: processes that load videos.
        features: keep the features of so many source and target videos at most, for the report's picture of them; for
            that, so many source videos are looked at as well. 0 keeps none.
    """
    import glad.evaluate
    from glad.run import Run

    if features < 0:
        raise UserError(f"--features is {features}; 0 keeps none")
    for folder in some(runs, "run folder"):
        run = Run(folder)
        scores = glad.evaluate.evaluate(run, select=select, workers=workers, features=features)
        print(glad.evaluate.summary(run, scores))


def demo(out: Path = Path("runs/demo"), workers: Workers = 1) -> None:
    """Train GLAD and source only on the embedded benchmark, score both, and write a report page.

    Args:
        out: folder for the runs and the page.
        workers: processes that load videos.
    """
    from glad.demo import demo as run

    run(out, workers)


def report(
    runs: Runs,
    out: Path = Path("report.html"),
    title: str = "GLAD",
    gaps: Path | None = None,
    initial: bool = False,
    workers: Workers = 2,
) -> None:
    """Write one self-contained page about runs.

    Args:
        runs: run folders, the one to compare with first.
        out: the page.
        title: its heading.
        gaps: folder that `glad gaps` wrote, for a section on how far apart the domains are.
        initial: draw the features that the first run began with, too; its videos are looked at anew.
        workers: processes that load videos for that.
    """
    from glad.report.before import features_before
    from glad.report.page import write_report
    from glad.run import Run

    folders = some(runs, "run folder")
    before = features_before(Run(folders[0]), workers) if initial else None
    print(f"report: {write_report(folders, out, title, gaps, initial=before)}")


def table(
    what: Annotated[tuple[str, ...], Positional, arg(metavar="3|2a|2b|2c|2d|RECIPE ...")],
    benchmark: str = "mini",
    seeds: tuple[int, ...] = (0, 1, 2),
    methods: tuple[str, ...] = (),
    out: Path = Path("runs/table"),
    results: Path | None = None,
    jobs: int | None = None,
    workers: Workers = 0,
    devices: int = 1,
) -> None:
    """Train and score the rows of a table of the paper over seeds, what is missing only, and compare them.

    Args:
        what: a table of the paper, or recipes from `glad recipes` that are to be compared.
        benchmark: where the rows' recipes come from: mini, k2b, or a Python file with TABLES, which is run.
        seeds: of training, and of the data where they are generated.
        methods: only these rows of the table.
        out: folder for the runs, one at RECIPE/SEED.
        results: Markdown page to write, with .csv and .tex beside it; a page with table marks gets the table there.
        jobs: runs at once, each on one core; not given, as many as cores and memory allow (one on a GPU).
        workers: processes of each run that load videos.
        devices: processes of each run that train, one a GPU.
    """
    from glad.table import Place, check_page, entries_of, page_name, write
    from glad.table import table as run
    from glad.tabular import main_table, pair_table, seed_table

    check_seeds(*seeds)
    title, note, entries = entries_of(some(what, "table or recipe"), benchmark, methods)
    page = results or out / page_name(what, benchmark)
    check_page(page)
    rows = run(entries, some(seeds, "seed"), Place(out, jobs, workers, devices))
    options = ["--benchmark", benchmark, "--seeds", *seeds, *(["--methods", *methods] if methods else [])]
    command = shlex.join(["glad", "table", *what, *map(str, options)])
    write(page, title, note, command, rows)
    tables = filter(None, (main_table(rows), seed_table(rows), pair_table(rows)))
    print("\n".join([f"{title}\n{note}\n", *tables, f"written: {page}"]))


def some(given: tuple[Any, ...], what: str) -> list[Any]:
    """Return what was given, at least one."""
    if not given:
        raise UserError(f"name at least one {what}")
    return list(given)
