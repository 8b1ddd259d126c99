"""The main job on the embedded benchmark, from nothing to a page one can open."""

import time
from pathlib import Path

from glad.evaluate import evaluate, summary
from glad.progress import say
from glad.recipes.find import find_recipe
from glad.report import write_report
from glad.run import Run
from glad.show import strips_of
from glad.train import train

RECIPES = ("mini-source-only", "mini-glad")


def demo(out: Path, workers: int) -> None:
    """Train and score the recipes of the demonstration into `out`, and write `out/report.html`."""
    began = time.monotonic()
    runs = []
    for name in RECIPES:
        say(f"{name}: train and evaluate")
        run = train(find_recipe(name), out / name, workers=workers)
        print(summary(run, evaluate(run, workers=workers)), flush=True)
        runs.append(run.folder)
    page = report_page(runs, out / "report.html", "GLAD on the miniature of Kinetics→BABEL")
    print(f"took {(time.monotonic() - began) / 60:.1f} minutes; open {page.resolve()}")


def report_page(runs: list[Path], out: Path, title: str, gaps: Path | None = None) -> Path:
    """Write the report of `runs`, with film strips of the test videos of the first, and the `gaps` measured."""
    return write_report(runs, out, title, strips_of(Run(runs[0])), gaps)
