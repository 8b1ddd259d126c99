"""One HTML page about one or more runs: scores, training curves, confusions, and videos with what each run said.

The page stands alone (styles, charts and pictures are inside it) and says in words what a run does not have. It only
reads: every number comes from the files of the run folders.
"""

import base64
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from glad.chart import Line, line_chart, thinned
from glad.errors import UserError
from glad.files import atomic, write_text
from glad.gaptable import gap_section
from glad.letters import any_letters
from glad.metrics import Scores

Strip = Callable[[dict[str, Any]], np.ndarray | None]

FILM_VIDEOS = 16  # at most so many film strips
FILM_FRAMES = 6
FILM_HEIGHT = 96  # pixels
TABLE_CLASSES = 40  # a confusion matrix of more classes is drawn, not written


@dataclass
class RunRecord:
    """What could be read of a run folder; `missing` says the rest, one sentence each."""

    path: Path
    label: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    warmup: list[dict[str, Any]] = field(default_factory=list)  # the log of the stage before, where there was one
    scores: Scores | None = None
    about: dict[str, Any] = field(default_factory=dict)  # select, step, interval, videos of scores.json
    predictions: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def write_report(
    runs: Sequence[Path], out: Path, title: str = "Report", strip: Strip | None = None, gaps: Path | None = None
) -> Path:
    """Write one self-contained HTML page about `runs` to `out` and return `out`.

    The first run is the reference that the others are compared with. `strip` turns a line of `predictions.jsonl`
    into frames (t, h, w, 3) RGB uint8 of that video, or None where there are none; without it the page has no
    pictures. `gaps` is a folder that `glad gaps` wrote, for a section on how far apart the domains are. Raises
    UserError when there is no run or a folder does not exist.
    """
    if not runs:
        raise UserError("a report needs at least one run folder")
    read = [read_run(path) for path in runs]
    name_runs(read)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"percent": percent, "pretty": pretty}
    page = environment.get_template("report.html").render(
        title=title,
        runs=read,
        chance=1 / len(read[0].classes) if read[0].classes else None,
        oracle=any("oracle" in str(run.about.get("select")) for run in read),
        apart=tested_apart(read),
        means=seed_means(read),
        charts=[Markup(svg) for svg in training_charts(read, [run.log for run in read])],
        warmup_charts=[Markup(svg) for svg in training_charts(read, [run.warmup for run in read])],
        aligned=any(name.startswith("align") for run in read for line in run.log for name in line.get("terms", {})),
        weights=[(run.label, align_weight(run)) for run in read if align_weight(run) != 1.0],
        class_rows=class_rows(read),
        confusions=[(run, confusion_image(run)) for run in read if run.scores],
        films=film_strips(read, strip),
        gap=gap_section(gaps) if gaps else None,
    )
    write_text(out, page)
    return out


def read_run(path: Path) -> RunRecord:
    """Return what the folder `path` holds; a file that is absent or unreadable becomes a sentence in `missing`."""
    if not path.is_dir():
        raise UserError(f"{path} is not a run folder; give the folder that `glad train` wrote")
    run = RunRecord(path)
    run.recipe = _json(run, "recipe.json", "its settings are unknown")
    run.environment = _json(run, "environment.json", "where it ran is unknown")
    run.log = _json_lines(run, "log.jsonl", "there are no training curves")
    if (path / "warmup").is_dir():
        run.warmup = _json_lines(run, "warmup/log.jsonl", "there are no curves of its warm-up")
    run.about = _json(run, "scores.json", "it has not been evaluated (`glad evaluate` does)")
    if run.about:
        try:
            run.scores = Scores.from_dict(run.about)
        except (UserError, TypeError, ValueError) as error:
            run.missing.append(f"scores.json cannot be used: {error}")
    run.predictions = _json_lines(run, "predictions.jsonl", "single videos cannot be shown")
    if (path / "classes.txt").is_file():
        lines = (path / "classes.txt").read_text(encoding="utf-8").splitlines()
        run.classes = [line.strip() for line in lines if line.strip()]
    known = len(run.scores.per_class) if run.scores else len(run.classes)
    if known != len(run.classes):
        run.missing.append(f"classes.txt has {len(run.classes)} names for {known} scored classes")
        run.classes = [class_name(run, k) for k in range(known)]
    return run


def _json(run: RunRecord, name: str, otherwise: str) -> dict[str, Any]:
    try:
        value = json.loads((run.path / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        run.missing.append(f"no {name}: {otherwise}")
        return {}
    except ValueError as error:
        run.missing.append(f"{name} is not JSON ({error}): {otherwise}")
        return {}
    return value if isinstance(value, dict) else {}


def _json_lines(run: RunRecord, name: str, otherwise: str) -> list[dict[str, Any]]:
    if not (run.path / name).is_file():
        run.missing.append(f"no {name}: {otherwise}")
        return []
    found = []
    for number, line in enumerate((run.path / name).read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found.append(json.loads(line))
        except ValueError:
            run.missing.append(f"{name}, line {number} is not JSON: only the lines before it are shown")
            break
    if not found:
        run.missing.append(f"{name} has no line to show: {otherwise}")
    return found


def name_runs(runs: Sequence[RunRecord]) -> None:
    """Give every run a label of its own: recipe and seed, and its folder where that is not enough."""

    def plain(run: RunRecord) -> str:
        seed = run.recipe.get("seed")
        return run.recipe.get("name", run.path.name) + ("" if seed is None else f", seed {seed}")

    plains = [plain(run) for run in runs]
    for number, (run, label) in enumerate(zip(runs, plains, strict=True), start=1):
        twice = plains.count(label) > 1
        run.label = f"{label} ({run.path.parent.name}/{run.path.name}, no. {number})" if twice else label


def tested_alike(run: RunRecord, other: RunRecord) -> bool:
    """Return whether two runs were tested on the same videos, as far as is known."""
    if run.scores and other.scores and list(run.scores.support) != list(other.scores.support):
        return False
    first, second = ({(*video_key(line), line["label"]) for line in one.predictions} for one in (run, other))
    return not (first and second) or first == second


def tested_apart(runs: Sequence[RunRecord]) -> list[str]:
    """Return the runs that were tested on other videos than the first of them that has scores."""
    scored = [run for run in runs if run.scores]
    return [run.label for run in scored if not tested_alike(run, scored[0])]


def seed_means(runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return mean and standard deviation (n - 1) of the MCA for recipes with several runs, per selection rule."""
    groups: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        if run.scores:
            key = (run.recipe.get("name", run.path.name), run.about.get("select", "unnamed"))
            groups.setdefault(key, []).append(run.scores.mean_class_accuracy)
    return [
        {"name": name, "select": select, "n": len(found), "mean": np.mean(found), "sd": np.std(found, ddof=1)}
        for (name, select), found in groups.items()
        if len(found) > 1
    ]


def align_weight(run: RunRecord) -> float:
    """Return the weight that the alignment terms in the log carry; 1 where the recipe names none."""
    return float(run.recipe.get("method", {}).get("align_weight") or 1.0)


def logged(line: dict[str, Any]) -> dict[str, float]:
    """Return every number of a line of `log.jsonl` by its name, without the coordinates step and epoch."""
    plain = {name: line[name] for name in ("total", "lr") if name in line}
    return plain | line.get("stats", {}) | line.get("terms", {})


def reading_order(names: Iterable[str]) -> list[str]:
    """Return names of curves as one reads them: each term, then the accuracy of the head behind it."""
    families = ["total", "class", "align_global", "align_local", "align_cross", "align", "order"]

    def rank(name: str) -> tuple[int, bool, str]:
        family = name.removeprefix("accuracy_").replace("domain_", "align_")
        place = next((i for i, known in enumerate(families) if family.startswith(known)), len(families))
        return place, name.startswith("accuracy_"), name

    return sorted(set(names), key=rank)


def training_charts(runs: Sequence[RunRecord], logs: Sequence[list[dict[str, Any]]]) -> list[str]:
    """Return one SVG per name in the `logs` of the runs, with the curve of every run that has it.

    Alignment terms are drawn without their weight.
    """
    x = "epoch" if all("epoch" in line for log in logs for line in log) else "step"
    numbers = [[(line.get(x, math.nan), logged(line)) for line in log] for log in logs]
    charts = []
    for name in reading_order(name for lines in numbers for _, found in lines for name in found):
        lines = []
        for colour, run in enumerate(runs):
            scale = align_weight(run) if name.startswith("align") else 1.0
            points = [(at, found[name]) for at, found in numbers[colour] if name in found]
            table = np.array(points, dtype=np.float64).reshape(-1, 2)
            xs, ys = thinned(table[:, 0], table[:, 1])
            if len(xs):
                lines.append(Line(run.label, xs, ys / scale, colour))
        guide = None
        if name.startswith("align"):
            guide = ("ln 2, a guess", math.log(2))
        elif name.startswith("accuracy_domain"):
            guide = ("0.5, a guess", 0.5)
        elif name == "accuracy_class" and runs[0].classes:
            guide = ("chance", 1 / len(runs[0].classes))
        if lines:
            share = (0.0, 1.0) if name.startswith("accuracy") else None
            charts.append(line_chart(name.replace("_", " "), lines, x, guide, share))
    return charts


def class_rows(runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return, per class, its support and each run's recall with its lead over the first run in points.

    A run without scores, or with other classes than the first, has None in its place; one that was tested on other
    videos has no lead.
    """
    reference = runs[0]
    if reference.scores is None:
        return []
    alike = [tested_alike(run, reference) for run in runs]
    rows = []
    for k, name in enumerate(reference.classes):
        base = reference.scores.per_class[k]
        cells: list[dict[str, Any] | None] = []
        for run, same in zip(runs, alike, strict=True):
            recall = run.scores.per_class[k] if run.scores and run.classes == reference.classes else None
            lead = None if recall is None or base is None or not same else 100 * (recall - base)
            cells.append(None if recall is None else {"recall": recall, "lead": lead})
        rows.append({"name": name, "support": reference.scores.support[k], "cells": cells})
    return rows


def film_strips(runs: Sequence[RunRecord], strip: Strip | None) -> list[dict[str, Any]]:
    """Return the videos to show, with picture (or None), truth, and what each run said of them.

    One video per class, by a fixed rule: the first on which the runs disagree about being right, else the first.
    """
    said = [{video_key(line): verdict(run, line) for line in run.predictions} for run in runs]
    chosen: dict[int, tuple[bool, dict[str, Any]]] = {}
    for line in next((run.predictions for run in runs if run.predictions), []):
        verdicts = {found[key]["right"] for found in said if (key := video_key(line)) in found}
        split = len(verdicts) > 1
        if line["label"] not in chosen or (split and not chosen[line["label"]][0]):
            chosen[line["label"]] = (split, line)
    first = next((run for run in runs if run.predictions), runs[0])
    return [
        {
            "image": film_image(line, strip),
            "path": line["path"],
            "truth": class_name(first, label),
            "verdicts": [(run.label, found.get(video_key(line))) for run, found in zip(runs, said, strict=True)],
        }
        for label, (_, line) in sorted(chosen.items())[:FILM_VIDEOS]
    ]


def video_key(line: dict[str, Any]) -> tuple[str, int, int]:
    """Return what makes a line of `predictions.jsonl` the same video in every run."""
    return line["path"], line.get("offset", 0), line.get("frames", 0)


def verdict(run: RunRecord, line: dict[str, Any]) -> dict[str, Any]:
    """Return the class a run gave a video, how sure it was, and whether that was right."""
    guess = int(np.argmax(line["probabilities"]))
    sure = line["probabilities"][guess]
    return {"name": class_name(run, guess), "sure": sure, "right": guess == line["label"]}


def class_name(run: RunRecord, k: int) -> str:
    """Return the name of class `k` of a run, or its number where `classes.txt` does not reach."""
    return run.classes[k] if k < len(run.classes) else f"class {k}"


def film_image(line: dict[str, Any], strip: Strip | None) -> Markup | None:
    """Return `FILM_FRAMES` evenly spaced frames of a video side by side, as an `<img>`."""
    frames = strip(line) if strip else None
    if frames is None or len(frames) == 0:
        return None
    picked = frames[np.linspace(0, len(frames) - 1, min(FILM_FRAMES, len(frames))).round().astype(int)]
    width = max(1, round(picked.shape[2] * FILM_HEIGHT / picked.shape[1]))
    small = [cv2.resize(frame, (width, FILM_HEIGHT), interpolation=cv2.INTER_AREA) for frame in picked]
    return image_tag(np.concatenate(small, axis=1), f"frames of {line['path']}", "jpeg")


def confusion_image(run: RunRecord) -> Markup | None:
    """Return an `<img>` of a confusion matrix too large to be written as a table, else None."""
    if run.scores is None or len(run.classes) <= TABLE_CLASSES:
        return None
    return image_tag(confusion_pixels(run.scores.confusion, run.classes), "confusion matrix", "png")


def confusion_png(confusion: ArrayLike, classes: Sequence[str], path: Path) -> None:
    """Write a picture of `confusion` (k, k), [true][predicted] counts, shaded by the share of each row."""
    with atomic(path) as temporary:
        temporary.write_bytes(encoded(confusion_pixels(confusion, classes), "png"))


def confusion_pixels(confusion: ArrayLike, classes: Sequence[str]) -> np.ndarray:
    """Return a confusion matrix as a picture (h, w, 3) RGB uint8, with counts where they are legible."""
    counts = np.asarray(confusion)
    k = len(counts)
    assert counts.shape == (k, k) == (len(classes), len(classes)), (counts.shape, len(classes))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + min(0.42 * k, 14)
    figure = Figure(figsize=(side, side), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="predicted", ylabel="true")
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    size = 9 if k <= TABLE_CLASSES else 5
    axes.set_xticks(range(k), classes, rotation=90, fontsize=size)
    axes.set_yticks(range(k), classes, fontsize=size)
    if k <= TABLE_CLASSES:
        for i, j in zip(*np.nonzero(counts), strict=True):
            colour = "white" if share[i, j] > 0.5 else "black"
            axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=8, color=colour)
    with any_letters():
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def encoded(pixels: np.ndarray, kind: str) -> bytes:
    """Return `pixels` (h, w, 3) RGB uint8 as a file in the format `png` or `jpeg`."""
    done, data = cv2.imencode(f".{kind}", np.ascontiguousarray(pixels[..., ::-1]))
    assert done, kind
    return data.tobytes()


def image_tag(pixels: np.ndarray, alt: str, kind: str) -> Markup:
    """Return an `<img>` that carries its picture inside it."""
    data = base64.b64encode(encoded(pixels, kind)).decode("ascii")
    height, width = pixels.shape[:2]
    return Markup('<img src="data:image/{};base64,{}" alt="{}" width="{}" height="{}">').format(
        kind, data, alt, width, height
    )


def percent(share: float) -> str:
    """Return a share of 1 as a percentage with one decimal, without the sign."""
    return f"{100 * share:.1f}"


def pretty(value: dict[str, Any]) -> str:
    """Return `value` as indented JSON, or a word for nothing."""
    return json.dumps(value, indent=2, ensure_ascii=False) if value else "not recorded"
