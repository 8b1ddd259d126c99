"""Class by class: what each run recognises, how that differs from the reference, and what it takes for what."""

from collections.abc import Sequence
from typing import Any

from glad.confusion import LEGIBLE, confusion_png
from glad.report.images import data_tag
from glad.report.record import RunRecord, tested_alike

MOST_MISTAKES = 12


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


def confusions(runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return, of every run with scores, its matrix as rows to write (few classes) or a picture, and its mistakes."""
    found = []
    for run in runs:
        if run.scores is None:
            continue
        picture = None
        if len(run.classes) > LEGIBLE:
            picture = data_tag(confusion_png(run.scores.confusion, run.classes), f"confusions of {run.label}", "png")
        rows = [
            {"name": name, "support": support, "recall": recall, "counts": counts}
            for name, support, recall, counts in zip(
                run.classes, run.scores.support, run.scores.per_class, run.scores.confusion, strict=True
            )
        ]
        found.append(
            {"label": run.label, "classes": run.classes, "rows": rows, "picture": picture, "mistakes": mistakes(run)}
        )
    return found


def mistakes(run: RunRecord) -> list[dict[str, Any]]:
    """Return the commonest mistakes: true and predicted class, how often, and as a share of the true class."""
    assert run.scores is not None
    cells = [
        {"true": run.classes[i], "said": run.classes[j], "count": count, "share": count / run.scores.support[i]}
        for i, counts in enumerate(run.scores.confusion)
        for j, count in enumerate(counts)
        if i != j and count
    ]
    return sorted(cells, key=lambda cell: -cell["count"])[:MOST_MISTAKES]
