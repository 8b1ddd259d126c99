"""A run folder in, predictions and scores out. The only reader of the test labels."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from glad.batch import Clips, Predicted
from glad.data.domain import Domain
from glad.data.loader import Videos, evaluation_batches
from glad.errors import UserError
from glad.features import Features, evenly, write_features
from glad.files import atomic, write_text
from glad.inputs import held_out_domain, source_domain, target_domain, test_domain
from glad.methods.base import Method
from glad.metrics import Scores, bootstrap_interval, video_scores
from glad.progress import progress, say
from glad.recipe import Recipe, RuleName
from glad.run import Run
from glad.selection import RULES, Labelled, Unlabelled, candidate, chosen

BATCH = 16  # videos scored together
KEPT = 500  # videos of either domain whose features are kept
SEES = {"oracle": ", sees target labels"}


def evaluate(run: Run, *, select: RuleName | None = None, workers: int = 2, features: int = KEPT) -> Scores:
    """Score the checkpoint of `run` that the rule `select` chooses, on the target test videos.

    Predictions, scores and confusion matrix are of that checkpoint; `selection.json`, written last, holds what every
    rule chooses and why. The rule stands beside the numbers in `scores.json`: only `oracle` sees a label of the target.
    Every video is decoded once for all checkpoints, which are in memory together.

    Args:
        run: a trained run.
        select: a rule of `glad.selection`; None is the recipe's.
        workers: processes that load videos.
        features: keep the features of so many source and target videos at most, evenly spaced in their lists, for the
            report's picture of them. Those of the target are there anyway; 0 keeps none and looks at no source video.
    """
    recipe, classes = run.recipe, run.classes
    rule = select or recipe.select
    if rule == "source_val" and recipe.data.source_val is None:
        raise UserError(
            f"{run.folder}: the rule source_val needs source videos that were held out of training, and the recipe "
            f"names none (data.source_val); choose another rule with --select"
        )
    methods = {step: run.method(checkpoint).to(device_at_hand()) for step, checkpoint in run.candidates()}
    domains = domains_to_score(recipe, classes, len(methods) > 1)
    with progress("evaluate", sum(map(len, domains.values())), "video") as bar:
        said = {name: answers(methods, domain, workers, bar.advance) for name, domain in domains.items()}

    candidates, test = [], {}
    for step in methods:
        # Rounded as they are written, so that scores can be recomputed from predictions.jsonl.
        test[step] = Labelled(said["test"][step].probabilities.round(6), labels_of(domains["test"]))
        target = said["target"][step] if "target" in said else None
        held_out = None
        if "held_out" in said:
            held_out = Labelled(said["held_out"][step].probabilities, labels_of(domains["held_out"]))
        candidates.append(candidate(step, test[step], target, held_out))
    rules = {name: chosen(name, candidates) for name in RULES}
    step = rules[rule]
    assert step is not None, f"{rule} has all it needs and chose nothing"

    labels, chances = test[step].labels, test[step].probabilities
    scores = video_scores(labels, chances)
    low, high = bootstrap_interval(labels, chances.argmax(1), seed=0)
    rows = [json.dumps(row) + "\n" for row in predictions(domains["test"], chances)]
    write_text(run.predictions, "".join(rows))
    written = {"recipe": recipe.name, "seed": recipe.seed, "select": rule, "step": step}
    written |= {"videos": len(rows), "interval": [low, high], **scores.to_dict()}
    write_confusion(run, scores, classes)
    run.features.unlink(missing_ok=True)  # those of another checkpoint
    if features:
        keep_features(run, methods[step], step, test[step].labels, said["test"][step].features, features, workers)
    write_text(run.scores, json.dumps(written, indent=2) + "\n")
    write_text(run.selection, json.dumps({"rules": rules, "candidates": candidates, "labels": labels.tolist()}) + "\n")
    return scores


def domains_to_score(recipe: Recipe, classes: tuple[str, ...], choose: bool) -> dict[str, Domain]:
    """Return the videos that an evaluation looks at: `test`, and to `choose` by `target` and perhaps `held_out`.

    `target` are training videos, and their labels are dropped where the list is read.
    """
    domains = {"test": test_domain(recipe, classes)}
    if choose:
        domains["target"] = target_domain(recipe, classes)
        if recipe.data.source_val is not None:
            domains["held_out"] = held_out_domain(recipe, recipe.data.source_val, classes)
    return domains


def keep_features(
    run: Run, method: Method, step: int, labels: np.ndarray, target: np.ndarray, most: int, workers: int
) -> None:
    """Keep features of `most` test videos, whose labels and features (m, d) are given, and of source videos."""
    try:
        domain = source_domain(run.recipe, run.classes)
        ours, theirs = evenly(len(domain), most), list(evenly(len(target), most))
        with progress("features", len(ours), "source video") as bar:
            source = answers({step: method}, domain, workers, bar.advance, ours)[step].features
    except UserError as problem:
        say(f"no features are kept for the report: {problem}")  # a run may be scored where its source is not
        return
    source_labels = labels_of(domain)[list(ours)]
    write_features(run.features, Features(source, source_labels, target[theirs], labels[theirs], step))


def answers(
    methods: Mapping[int, Method],
    domain: Domain,
    workers: int,
    advance: Callable[[int], None],
    only: tuple[int, ...] | None = None,
) -> dict[int, Unlabelled]:
    """Return what each of `methods` says of the videos `only` of `domain` (None: all), in that order."""
    found: list[list[Predicted]] = []
    batches = evaluation_batches(Videos(domain, BATCH, only or tuple(range(len(domain)))), workers)
    for predicted, indices in predictions_of(list(methods.values()), batches, device_at_hand()):
        found.append(predicted)
        advance(len(indices))
    return {
        step: Unlabelled(
            np.concatenate([one.probabilities.double().numpy() for one in parts]),
            np.concatenate([one.features.numpy() for one in parts]),
        )
        for step, parts in zip(methods, zip(*found, strict=True), strict=True)
    }


def predictions_of(
    methods: Sequence[Method], batches: Iterator[tuple[Clips, list[int]]], device: torch.device
) -> Iterator[tuple[list[Predicted], list[int]]]:
    """Yield what each method says of a batch of clips, on the CPU, and the videos' indices, batch after batch."""
    with torch.inference_mode():
        for clips, indices in batches:
            moved = clips.map(lambda t: t.to(device))
            said = [method.predict(moved) for method in methods]
            yield [Predicted(one.probabilities.float().cpu(), one.features.float().cpu()) for one in said], indices


def labels_of(domain: Domain) -> np.ndarray:
    """Return the classes (n,) of labelled videos."""
    return np.array([domain.listing[index].label for index in range(len(domain))])


def predictions(domain: Domain, probabilities: np.ndarray) -> Iterator[dict]:
    """Yield a row for each test video: which it is, its class, and the probabilities (n, k) of one checkpoint."""
    for index, row in enumerate(probabilities.tolist()):
        path, frames, offset, label = domain.listing[index]
        yield {"path": path, "offset": offset, "frames": frames, "label": label, "probabilities": row}


def device_at_hand() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def write_confusion(run: Run, scores: Scores, classes: tuple[str, ...]) -> None:
    """Write the confusion matrix as CSV (rows true, columns predicted) and as a picture."""
    from glad.confusion import confusion_png

    with atomic(run.folder / "confusion.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["true \\ predicted", *classes])
        table.writerows([name, *row] for name, row in zip(classes, scores.confusion, strict=True))
    with atomic(run.folder / "confusion.png") as temporary:
        temporary.write_bytes(confusion_png(scores.confusion, classes))


def summary(run: Run, scores: Scores) -> str:
    """Return the scores of a run as a few lines for a terminal, the checkpoint rule named."""
    written = json.loads(run.scores.read_text(encoding="utf-8"))
    low, high = written["interval"]
    lines = [
        f"{written['recipe']}, seed {written['seed']}: {written['videos']} target test videos, "
        f"checkpoint '{written['select']}' (step {written['step']}{SEES.get(written['select'], '')})",
        f"  mean class accuracy {100 * scores.mean_class_accuracy:5.1f} %  [{100 * low:.1f}, {100 * high:.1f}]"
        f"   chance {100 / len(scores.support):.1f}",
        f"  top-1 {100 * scores.top1:.1f} %   top-5 {100 * scores.top5:.1f} %",
    ]
    if len(candidates := json.loads(run.selection.read_text(encoding="utf-8"))["candidates"]) > 1:
        lines.append(f"  {by_rule(candidates)}")
    width = max(map(len, run.classes))
    for name, share, count in zip(run.classes, scores.per_class, scores.support, strict=True):
        lines.append(f"  {name:<{width}}  {'no test video' if share is None else f'{100 * share:5.1f} %'}  ({count})")
    return "\n".join(lines)


def by_rule(candidates: Sequence[Mapping[str, Any]]) -> str:
    """Return the mean class accuracy of what each rule chooses, in percent, the rules that have data side by side."""
    accuracy = {one["step"]: 100 * one["test"] for one in candidates}
    chosen_steps = {rule: step for rule in RULES if (step := chosen(rule, candidates)) is not None}
    return " · ".join(f"{rule} {accuracy[at]:.1f} (step {at}{SEES.get(rule, '')})" for rule, at in chosen_steps.items())
