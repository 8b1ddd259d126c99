"""A run folder in, predictions and scores out. The only reader of the test labels."""

import csv
import json
from collections.abc import Iterator

import numpy as np
import torch

from glad.batch import Clips, Predicted
from glad.data.loader import Videos, evaluation_batches
from glad.files import atomic, write_text
from glad.inputs import test_domain
from glad.methods.base import Method
from glad.metrics import Scores, bootstrap_interval, video_scores
from glad.progress import progress
from glad.run import Run

BATCH = 16  # videos scored together


def evaluate(run: Run, *, workers: int = 2) -> Scores:
    """Score the last checkpoint of `run` on its target test videos; write predictions, scores and confusion matrix.

    The checkpoint rule stands beside the numbers in `scores.json`: `last` has seen no label of the target.
    """
    recipe, classes = run.recipe, run.classes
    checkpoint = run.checkpoint()
    method = run.method(checkpoint).to(device := device_at_hand())
    domain = test_domain(recipe, classes)
    rows: list[dict] = []
    batches = evaluation_batches(Videos(domain, BATCH, tuple(range(len(domain)))), workers)
    with progress("evaluate", len(domain), "video") as bar:
        for predicted, indices in predictions_of(method, batches, device):
            for index, row in zip(indices, predicted.probabilities.tolist(), strict=True):
                record = domain.listing[index]
                rows.append(
                    {
                        "path": record.path,
                        "offset": record.offset,
                        "frames": record.frames,
                        "label": record.label,
                        "probabilities": [round(value, 6) for value in row],
                    }
                )
            bar.advance(len(indices))
    labels = np.array([row["label"] for row in rows])
    chances = np.array([row["probabilities"] for row in rows])
    scores = video_scores(labels, chances)
    low, high = bootstrap_interval(labels, chances.argmax(1), seed=0)
    write_text(run.predictions, "".join(json.dumps(row) + "\n" for row in rows))
    written = {"recipe": recipe.name, "seed": recipe.seed, "select": recipe.select, "step": checkpoint["step"]}
    written |= {"videos": len(rows), "interval": [low, high], **scores.to_dict()}
    write_confusion(run, scores, classes)
    write_text(run.scores, json.dumps(written, indent=2) + "\n")
    return scores


def predictions_of(
    method: Method, batches: Iterator[tuple[Clips, list[int]]], device: torch.device
) -> Iterator[tuple[Predicted, list[int]]]:
    """Yield class probabilities and features, on the CPU, and the videos' indices for each batch of clips."""
    with torch.inference_mode():
        for clips, indices in batches:
            found = method.predict(clips.map(lambda t: t.to(device)))
            yield Predicted(found.probabilities.float().cpu(), found.features.float().cpu()), indices


def device_at_hand() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def write_confusion(run: Run, scores: Scores, classes: tuple[str, ...]) -> None:
    """Write the confusion matrix as CSV (rows true, columns predicted) and as a picture."""
    from glad.report import confusion_png

    with atomic(run.folder / "confusion.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["true \\ predicted", *classes])
        table.writerows([name, *row] for name, row in zip(classes, scores.confusion, strict=True))
    confusion_png(scores.confusion, classes, run.folder / "confusion.png")


def summary(run: Run, scores: Scores) -> str:
    """Return the scores of a run as a few lines for a terminal, the checkpoint rule named."""
    written = json.loads(run.scores.read_text(encoding="utf-8"))
    low, high = written["interval"]
    lines = [
        f"{written['recipe']}, seed {written['seed']}: {written['videos']} target test videos, "
        f"checkpoint '{written['select']}' (step {written['step']})",
        f"  mean class accuracy {100 * scores.mean_class_accuracy:5.1f} %  [{100 * low:.1f}, {100 * high:.1f}]"
        f"   chance {100 / len(scores.support):.1f}",
        f"  top-1 {100 * scores.top1:.1f} %   top-5 {100 * scores.top5:.1f} %",
    ]
    width = max(map(len, run.classes))
    for name, share, count in zip(run.classes, scores.per_class, scores.support, strict=True):
        lines.append(f"  {name:<{width}}  {'no test video' if share is None else f'{100 * share:5.1f} %'}  ({count})")
    return "\n".join(lines)
