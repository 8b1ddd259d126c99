"""Rows of results as text: Markdown for people, CSV for programs, LaTeX for papers."""

import csv
import io
import math
from collections.abc import Sequence

import numpy as np

from glad.results import Row, difference

# The checkpoint rules that stand side by side; the label-free one was named before any result was seen.
SHOWN = {
    "last": "last",
    "infomax": "label-free (infomax)",
    "source_val": "source val",
    "oracle": "oracle (sees target labels)",
}
SEES_TARGET_LABELS = {"oracle"}
LATEX = {letter: f"\\{letter}" for letter in "_%&#${}"} | {
    "±": r"$\pm$",
    "–": "--",
    "−": "$-$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}
COLUMNS = (
    *("method", "recipe", "seed", "rule", "sees_target_labels", "step", "mean_class_accuracy"),
    *("videos_seen", "minutes", "mebibytes", "paper_mean", "paper_sd"),
)


def main_table(rows: Sequence[Row]) -> str:
    """Return the Markdown table: each checkpoint rule's mean ± sd over seeds, and what it cost."""
    head = ["method", "clips", "**last**", "95 % over videos"]
    head += [name for rule, name in SHOWN.items() if rule != "last"]
    head += ["paper", "source videos seen", "training min", "MiB"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        first = row.results[0]
        lines.append(
            [
                row.label,
                row.clips,
                f"**{spread(row.accuracy('last'))}**",
                bounds(row.interval("last")),
                *(spread(row.accuracy(rule)) for rule in SHOWN if rule != "last"),
                f"{row.paper.mean} ± {row.paper.sd}" if row.paper else "–",
                " + ".join(f"{count:,}" for count in first.seen),
                number(np.array([result.minutes for result in row.results])),
                number(np.array([result.memory for result in row.results]), digits=0),
            ]
        )
    return markdown(lines)


def seed_table(rows: Sequence[Row]) -> str:
    """Return the Markdown table of every seed at the last checkpoint, with the controls."""
    seeds = [result.seed for result in rows[0].results]
    controls = list(rows[0].results[0].controls)
    lines = [["method", "recipe", *(f"seed {seed}" for seed in seeds), *controls]]
    lines.append(["---"] * len(lines[0]))
    for row in rows:
        values = [number(np.array([result.controls[name] for result in row.results]), 0) for name in controls]
        lines.append([row.label, f"`{row.recipe}`", *(f"{value:.1f}" for value in row.accuracy("last")), *values])
    return markdown(lines)


def pair_table(rows: Sequence[Row]) -> str:
    """Return the Markdown table of the paired difference of every two rows at the last checkpoint; "" of none."""
    lines = [["difference", "mean", "95 % over seeds", "95 % over videos", "seeds above 0", "so"], ["---"] * 6]
    for i, base in enumerate(rows):
        for row in rows[i + 1 :]:
            if row.recipe == base.recipe:
                continue
            found = difference(row, base)
            seeds = "one seed" if found.of < 2 else bounds(found.seeds, "+")
            above = f"{found.above}/{found.of}"
            lines.append(
                [
                    f"{row.label} − {base.label}",
                    f"{found.mean:+.1f}",
                    seeds,
                    bounds(found.videos, "+"),
                    above,
                    found.verdict,
                ]
            )
    return markdown(lines) if len(lines) > 2 else ""


def comma_separated(rows: Sequence[Row]) -> str:
    """Return every run under every rule as CSV, one line each; accuracies in percent."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    for row in rows:
        paper = [row.paper.mean, row.paper.sd] if row.paper else ["", ""]
        for result in row.results:
            cost = [sum(result.seen), *("" if math.isnan(x) else f"{x:.2f}" for x in (result.minutes, result.memory))]
            for rule, step in result.steps.items():
                sees = "yes" if rule in SEES_TARGET_LABELS else "no"
                score = f"{result.accuracy(rule):.3f}"
                out.writerow([row.label, row.recipe, result.seed, rule, sees, step, score, *cost, *paper])
    return text.getvalue()


def latex(rows: Sequence[Row], title: str) -> str:
    """Return the main table as LaTeX, for the package booktabs."""
    head = ["Method", "Clips", "Last", r"95 \% over videos", "Label-free", "Source val", "Oracle", "Paper", "Min"]
    lines = [f"% {title}", rf"\begin{{tabular}}{{ll{'r' * (len(head) - 2)}}}", r"\toprule"]
    lines += [" & ".join(head) + r" \\", r"\midrule"]
    for row in rows:
        last, *others = (spread(row.accuracy(rule)) for rule in SHOWN)
        scores = [last, bounds(row.interval("last")), *others]
        paper = f"{row.paper.mean} ± {row.paper.sd}" if row.paper else "–"
        minutes = number(np.array([result.minutes for result in row.results]))
        cells = [row.label, row.clips, *scores, paper, minutes]
        lines.append(" & ".join(map(escaped, cells)) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def escaped(cell: str) -> str:
    """Return a cell with what LaTeX would misread replaced."""
    return "".join(LATEX.get(letter, letter) for letter in cell)


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as Markdown."""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def spread(values: np.ndarray) -> str:
    """Return mean ± standard deviation (n - 1) over seeds; the mean alone for one seed, a dash where one is missing."""
    if np.isnan(values).any():
        return "–"
    return f"{values.mean():.1f}" + (f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else "")


def bounds(interval: tuple[float, float], sign: str = "") -> str:
    """Return an interval in brackets; a dash where there is none."""
    return "–" if math.isnan(interval[0]) else f"[{interval[0]:{sign}.1f}, {interval[1]:{sign}.1f}]"


def number(values: np.ndarray, digits: int = 1) -> str:
    """Return the mean of what was measured, a dash where nothing was."""
    return "–" if np.isnan(values).all() else f"{np.nanmean(values):.{digits}f}"
