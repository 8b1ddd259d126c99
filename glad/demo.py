"""The main job on the embedded benchmark, from nothing to a page one can open."""

import time
from pathlib import Path

from glad.evaluate import evaluate, summary
from glad.progress import say
from glad.recipes.find import find_recipe
from glad.report.page import write_report
from glad.training import train

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
    page = write_report(runs, out / "report.html", "GLAD on the miniature of Kinetics→BABEL")
    print(f"took {(time.monotonic() - began) / 60:.1f} minutes; open {page.resolve()}")
