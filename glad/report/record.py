"""What could be read of a run folder for a report; what could not is said in words."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from glad.errors import UserError
from glad.features import Features, read_features
from glad.metrics import Scores, redrawn
from glad.recipe import Recipe, read_recipe

Line = dict[str, Any]


@dataclass
class RunRecord:
    """What could be read of a run folder; `missing` says the rest, one sentence each.

    `settings` is recipe.json as it stands there, `recipe` the same as a value: None where this version cannot read it.
    """

    path: Path
    label: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)  # what it read, with SHA-256; of runs that wrote it down
    classes: list[str] = field(default_factory=list)
    log: list[Line] = field(default_factory=list)
    warmup: list[Line] = field(default_factory=list)  # the log of the stage before, where there was one
    scores: Scores | None = None
    about: dict[str, Any] = field(default_factory=dict)  # select, step, interval, videos of scores.json
    predictions: list[Line] = field(default_factory=list)
    features: Features | None = None
    missing: list[str] = field(default_factory=list)


def read_run(path: Path) -> RunRecord:
    """Return what the folder `path` holds; a file that is absent or unreadable becomes a sentence in `missing`."""
    if not path.is_dir():
        raise UserError(f"{path} is not a run folder; give the folder that `glad train` wrote")
    run = RunRecord(path)
    run.settings = _json(run, "recipe.json", "its settings are unknown")
    if run.settings:
        try:
            run.recipe = read_recipe(path / "recipe.json")
        except UserError as problem:
            run.missing.append(f"its recipe cannot be used, so its videos are not looked for ({problem})")
    run.environment = _json(run, "environment.json", "where it ran is unknown")
    if (path / "data.json").exists():
        run.files = _json(run, "data.json", "what it read is unknown")
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
    if run.scores:
        _read_features(run)
    if (path / "classes.txt").is_file():
        lines = (path / "classes.txt").read_text(encoding="utf-8").splitlines()
        run.classes = [line.strip() for line in lines if line.strip()]
    known = len(run.scores.per_class) if run.scores else len(run.classes)
    if known != len(run.classes):
        run.missing.append(f"classes.txt has {len(run.classes)} names for {known} scored classes")
        run.classes = [class_name(run, k) for k in range(known)]
    return run


def _read_features(run: RunRecord) -> None:
    """Read the features that the evaluation kept; those of another checkpoint than the scored one are left out."""
    file = run.path / "features.safetensors"
    if not file.exists():
        run.missing.append(f"no {file.name}: its feature space cannot be drawn (`glad evaluate` keeps features)")
        return
    try:
        found = read_features(file)
    except UserError as problem:
        run.missing.append(str(problem))
        return
    if found.step != run.about.get("step"):
        run.missing.append(f"{file.name} is of step {found.step}, not of the scored one: evaluate again to draw it")
        return
    run.features = found


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


def _json_lines(run: RunRecord, name: str, otherwise: str) -> list[Line]:
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
        seed = run.settings.get("seed")
        return run.settings.get("name", run.path.name) + ("" if seed is None else f", seed {seed}")

    plains = [plain(run) for run in runs]
    for number, (run, label) in enumerate(zip(runs, plains, strict=True), start=1):
        twice = plains.count(label) > 1
        run.label = f"{label} ({run.path.parent.name}/{run.path.name}, no. {number})" if twice else label


def video_key(line: Line) -> tuple[str, int, int]:
    """Return what makes a line of `predictions.jsonl` the same video in every run."""
    return line["path"], line.get("offset", 0), line.get("frames", 0)


def class_name(run: RunRecord, k: int) -> str:
    """Return the name of class `k` of a run, or its number where `classes.txt` does not reach."""
    return run.classes[k] if k < len(run.classes) else f"class {k}"


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


def lead(run: RunRecord, reference: RunRecord) -> tuple[float, float, float] | None:
    """Return the difference of two mean class accuracies in points, and its 95 % interval over the test videos.

    Paired by video and redrawn within classes; None unless both predicted the same videos of the same classes.
    """
    if run is reference or run.classes != reference.classes or not tested_alike(run, reference):
        return None
    right = {video_key(line): np.argmax(line["probabilities"]) == line["label"] for line in reference.predictions}
    pairs = [
        (line["label"], float(np.argmax(line["probabilities"]) == line["label"]) - right[video_key(line)])
        for line in run.predictions
        if video_key(line) in right
    ]
    if not pairs or run.scores is None or reference.scores is None:
        return None
    labels, gains = np.array([label for label, _ in pairs]), np.array([gain for _, gain in pairs])
    low, high = 100 * np.quantile(redrawn(labels, gains, 0), [0.025, 0.975])
    return 100 * (run.scores.mean_class_accuracy - reference.scores.mean_class_accuracy), float(low), float(high)


def seed_means(runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return mean and standard deviation (n - 1) of the MCA for recipes with several runs, per selection rule."""
    groups: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        if run.scores:
            key = (run.settings.get("name", run.path.name), run.about.get("select", "unnamed"))
            groups.setdefault(key, []).append(run.scores.mean_class_accuracy)
    return [
        {"name": name, "select": select, "n": len(found), "mean": np.mean(found), "sd": np.std(found, ddof=1)}
        for (name, select), found in groups.items()
        if len(found) > 1
    ]
