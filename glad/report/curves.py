"""The training curves of runs, each beside what it should look like."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from glad.chart import Line, line_chart, thinned
from glad.report.record import Line as LogLine
from glad.report.record import RunRecord


def align_weight(run: RunRecord) -> float:
    """Return the weight that the alignment terms in the log carry; 1 where the recipe names none."""
    return float(run.settings.get("method", {}).get("align_weight") or 1.0)


def logged(line: LogLine) -> dict[str, float]:
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


def training_charts(runs: Sequence[RunRecord], logs: Sequence[list[LogLine]]) -> list[str]:
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
