"""One HTML page about one or more runs: scores, curves, confusions, videos, features, domains, settings.

The page stands alone (styles, scripts, charts and pictures are inside it), asks no network, and says in words what a
run does not have. Numbers come from the files of the run folders; pictures from the videos that the recipe names.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from glad.errors import UserError
from glad.features import Features
from glad.files import write_text
from glad.gaptable import gap_section
from glad.report.classes import class_rows, confusions
from glad.report.curves import align_weight, training_charts
from glad.report.domains import domains
from glad.report.embedding import class_colours, feature_space
from glad.report.films import ACROSS, DOWN, Films, Strip
from glad.report.record import Line, RunRecord, lead, name_runs, read_run, seed_means, tested_apart
from glad.report.settings import differing, hashes
from glad.run import Run
from glad.show import strips_of


def write_report(
    runs: Sequence[Path],
    out: Path,
    title: str = "Report",
    gaps: Path | None = None,
    *,
    initial: Features | None = None,
    strip: Strip | None = None,
) -> Path:
    """Write one self-contained HTML page about `runs` to `out` and return `out`.

    Args:
        runs: run folders; the first is the reference that the others are compared with.
        out: the page.
        title: its heading.
        gaps: a folder that `glad gaps` wrote, for a section on how far apart the domains are.
        initial: features of the first run before its training, to be drawn beside those after it.
        strip: turns a line of `predictions.jsonl` into frames (t, h, w, 3) RGB uint8 of that video, or None where there
            are none; the videos that the recipes name where it is not given.

    Raises UserError when there is no run or a folder does not exist.
    """
    if not runs:
        raise UserError("a report needs at least one run folder")
    read = [read_run(path) for path in runs]
    name_runs(read)
    films = Films(read, strip or footage(read))
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"percent": percent, "pretty": pretty}
    readable = [run for run in read if run.recipe is not None and run.classes]
    at_hand = next((run for run in readable if run.recipe and run.recipe.mix), readable[0] if readable else None)
    page = environment.get_template("page.html").render(
        title=title,
        runs=read,
        chance=1 / len(read[0].classes) if read[0].classes else None,
        oracle=any("oracle" in str(run.about.get("select")) for run in read),
        apart=tested_apart(read),
        leads=[lead(run, read[0]) for run in read],
        means=seed_means(read),
        charts=[Markup(svg) for svg in training_charts(read, [run.log for run in read])],
        warmup_charts=[Markup(svg) for svg in training_charts(read, [run.warmup for run in read])],
        aligned=any(name.startswith("align") for run in read for line in run.log for name in line.get("terms", {})),
        weights=[(run.label, align_weight(run)) for run in read if align_weight(run) != 1.0],
        class_rows=class_rows(read),
        confusions=confusions(read),
        films=films.one_a_class(),
        hardest=films.hardest(),
        across=ACROSS,
        down=DOWN,
        space=feature_space(spaces(read, initial), read[0].classes),
        colours=class_colours(len(read[0].classes)),
        domains=domains(at_hand) if at_hand else None,
        gap=gap_section(gaps) if gaps else None,
        differing=differing(read) if len(read) > 1 else [],
        hashes=[hashes(run) for run in read],
    )
    write_text(out, page)
    return out


def spaces(runs: Sequence[RunRecord], initial: Features | None) -> list[tuple[str, Features]]:
    """Return the features to draw, named: those before training first, then each run's on the reference's classes."""
    before = [(f"{runs[0].label}, before training", initial)] if initial is not None else []
    after = [(run.label, run.features) for run in runs if run.features and run.classes == runs[0].classes]
    return [*before, *after]


def footage(runs: Sequence[RunRecord]) -> Strip:
    """Return a function from a line of predictions to frames of that video, from where the first readable recipe says.

    A video that cannot be read has none; the first such is told among what is missing.
    """
    run = next((run for run in runs if run.recipe is not None and run.predictions), None)
    if run is None:
        return lambda line: None
    strip = strips_of(Run(run.path))
    told: list[str] = []

    def frames(line: Line) -> np.ndarray | None:
        try:
            return strip(line)
        except (UserError, OSError) as problem:
            if not told:
                told.append(str(problem))
                run.missing.append(f"videos cannot be shown, {line['path']} for one: {problem}")
            return None

    return frames


def percent(share: float) -> str:
    """Return a share of 1 as a percentage with one decimal, without the sign."""
    return f"{100 * share:.1f}"


def pretty(value: dict[str, Any]) -> str:
    """Return `value` as indented JSON, or a word for nothing."""
    return json.dumps(value, indent=2, ensure_ascii=False) if value else "not recorded"
