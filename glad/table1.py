"""Table 1 of the paper for any pair of domains: measures every gap that can be measured, and says why not the others.

What is measured is a plain dictionary, the content of `gaps.json`. Each of its parts holds numbers, or a sentence
under `missing`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glad.data.lengths import video_lengths
from glad.data.listing import Listing
from glad.errors import UserError
from glad.files import write_text
from glad.gapcharts import benchmark_chart, class_chart, length_chart, write_chart
from glad.gaps import (
    accuracy_gap,
    accuracy_gap_interval,
    class_balance,
    class_counts,
    imbalance,
    scene_gap,
    scene_spread,
    temporal_gap,
)
from glad.metrics import Scores
from glad.ours import check_ours
from glad.published import GAPS
from glad.run import Run
from glad.scenebank import scene_vectors
from glad.scenes import SceneEncoder

Found = dict[str, Any]

GAPS_FILE = "gaps.json"
SEED = 0  # of the draw that `limit` makes


@dataclass(frozen=True)
class Domain:
    """One side: its listing, and the frames of each of its videos `(n,)`, without those in `left_out`."""

    listing: Listing
    frames: NDArray[np.int64]
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called: its list or folder, without the ending."""
        return self.listing.file.resolve().stem


def domain_of(listing: Listing, title: str, workers: int = 0) -> Domain:
    """Return a listing with the lengths of its videos, counted in the videos where the list does not say."""
    lengths, left_out = video_lengths(listing, title, workers)
    known = np.array([frames for frames in lengths if frames is not None], np.int64)
    if not len(known):
        raise UserError(
            f"{listing.file} does not say how many frames its videos have, and none of them can be read below "
            f"{listing.root} ({left_out[0]}); give their folder as its root"
        )
    return Domain(listing, known, tuple(left_out))


def gaps_of(
    source: Domain,
    target: Domain,
    name: str | None = None,
    encoder: SceneEncoder | None = None,
    bank: Path = Path("gaps/scenes"),
    limit: int | None = None,
    workers: int = 0,
    runs: tuple[Run, Run] | None = None,
) -> Found:
    """Return everything about the pair; `bank` keeps scene vectors, and `limit` caps the videos they are taken of.

    `runs` are a source-only run and one trained with the target's labels.
    """
    accuracy = accuracy_of(*runs) if runs else {"missing": "needs two scored runs (--runs SOURCE_ONLY SUPERVISED)"}
    value = temporal_gap(source.frames, target.frames)
    return {
        "name": name or f"{source.name}→{target.name}",
        "source": described(source),
        "target": described(target),
        "temporal": {"value": value, "unit": "frames"},
        "scenes": scenes_of(source.listing, target.listing, encoder, bank, limit, workers),
        "accuracy": accuracy,
        "classes": classes_of(source.listing, target.listing),
        "published": [asdict(row) for row in GAPS],
    }


def described(domain: Domain) -> Found:
    """Return how many videos a domain has and how long they are, in frames."""
    frames = domain.frames
    return {
        "list": str(domain.listing.file),
        "videos": len(frames),
        "left_out": list(domain.left_out),
        "frames": {
            "min": int(frames.min()),
            "median": float(np.median(frames)),
            "mean": float(frames.mean()),
            "max": int(frames.max()),
        },
    }


def scenes_of(
    source: Listing, target: Listing, encoder: SceneEncoder | None, bank: Path, limit: int | None, workers: int
) -> Found:
    """Return Δ_bg with what it was made of, or why there is none."""
    if encoder is None:
        return {"missing": "was not asked for (--scene none)"}
    found, videos, left_out = [], [], []
    for number, (listing, title) in enumerate(((source, "source"), (target, "target"))):
        rows = drawn(len(listing), limit, number)
        scenes = scene_vectors(listing, rows, encoder, bank, f"{title}: scenes", workers)
        if not len(scenes.vectors):
            return {
                "missing": f"none of {len(rows):,} {title} videos can be seen, the first because {scenes.left_out[0]}; "
                f"--{title}-root names their folder"
            }
        found.append(scenes.vectors)
        videos.append(len(scenes.vectors))
        left_out += scenes.left_out
    gap = scene_gap(found[0], found[1])
    return asdict(gap) | {
        "inside_source": scene_spread(found[0]),
        "inside_target": scene_spread(found[1]),
        "encoder": encoder.about(),
        "of_paper": encoder.of_paper,
        "videos": videos,
        "of": [len(source), len(target)],
        "limit": limit,
        "left_out": left_out,
    }


def drawn(videos: int, limit: int | None, number: int) -> Sequence[int]:
    """Return `limit` of 0..videos-1 in ascending order, always the same ones; all where there are no more."""
    if limit is None or limit >= videos:
        return range(videos)
    rng = np.random.default_rng([SEED, number])
    return np.sort(rng.choice(videos, limit, replace=False)).tolist()


def classes_of(source: Listing, target: Listing) -> Found:
    """Return how the classes are filled; of one side alone where the other has no labels."""
    sides = {"source": source, "target": target}
    labelled = {name: listing.labels for name, listing in sides.items() if listing.labelled}
    if not labelled:
        return {"missing": "neither list has labels"}
    if len(labelled) == 2 and (source.classes is None) != (target.classes is None):
        return {"missing": "one side names its classes and the other numbers them; --classes joins the two"}
    names = source.classes or target.classes
    count = len(names) if names else 1 + max(int(labels.max()) for labels in labelled.values())
    names = list(names or (f"class {k}" for k in range(count)))
    if len(labelled) == 2:
        return {"names": names} | asdict(class_balance(labelled["source"], labelled["target"], count))
    ((side, labels),) = labelled.items()
    other = "target" if side == "source" else "source"
    counts = class_counts(labels, count)
    return {
        "names": names,
        side: counts.tolist(),
        f"{side}_imbalance": imbalance(counts),
        "missing": f"the {other} has no labels to compare with",
    }


def accuracy_of(source_only: Run, supervised: Run) -> Found:
    """Return Δ_Acc of two scored runs. Runs that it cannot be taken of are refused (`UserError`)."""
    for run in (source_only, supervised):
        if not run.scores.exists():
            raise UserError(f"{run.folder} has no scores.json; score it first: glad evaluate {run.folder}")
        kind = type(run.recipe.method).__name__
        if kind != "SupervisedConfig":
            raise UserError(
                f"{run.folder} was trained by {kind}; Δ_Acc takes a source-only run and one trained with the target's "
                "labels, both plainly supervised"
            )
    first, second = (run.recipe.data.source.list for run in (source_only, supervised))
    if first == second:
        raise UserError(
            f"{source_only.folder} and {supervised.folder} were both trained on {first}; the second run of --runs is "
            "one trained with the target's labels"
        )
    written = [json.loads(run.scores.read_text(encoding="utf-8")) for run in (source_only, supervised)]
    if source_only.classes != supervised.classes:
        raise UserError(f"{source_only.folder} and {supervised.folder} know different classes")
    gap = accuracy_gap(*(Scores.from_dict(scores) for scores in written))
    said = [_predicted(run) for run in (source_only, supervised)]
    if said[0] and said[1]:
        if said[0].keys() != said[1].keys():
            raise UserError(f"{source_only.folder} and {supervised.folder} were tested on different videos")
        labels = [label for label, _ in said[0].values()]
        predicted = [[lines[video][1] for video in said[0]] for lines in said]
        gap = replace(gap, interval=accuracy_gap_interval(labels, *predicted))
    rules = [str(scores.get("select", "not recorded")) for scores in written]
    return asdict(gap) | {
        "unit": "points",
        "runs": [str(run.folder) for run in (source_only, supervised)],
        "recipes": [run.recipe.name for run in (source_only, supervised)],
        "select": rules,
        "classes": list(source_only.classes),
    }


def _predicted(run: Run) -> dict[tuple, tuple[int, int]]:
    """Return label and predicted class of every test video of a run; nothing where it has no predictions."""
    if not run.predictions.exists():
        return {}
    lines = map(json.loads, run.predictions.read_text(encoding="utf-8").splitlines())
    return {
        (line["path"], line["offset"], line["frames"]): (line["label"], int(np.argmax(line["probabilities"])))
        for line in lines
    }


def check_place(out: Path) -> None:
    """Refuse a folder in which gaps or charts of others would be replaced."""
    charts = [f"{name}.{kind}" for name in ("lengths", "benchmarks", "classes") for kind in ("svg", "png")]
    check_ours(out, charts, GAPS_FILE, '{"name":')


def write_gaps(found: Found, source: NDArray, target: NDArray, out: Path) -> list[Path]:
    """Write `gaps.json` and the charts (.svg and .png) into `out`; return the files, gaps.json last."""
    check_place(out)
    scenes, accuracy, classes = found["scenes"], found["accuracy"], found["classes"]
    points = f"ΔAcc {accuracy['value']:.1f}" if "value" in accuracy else "ΔAcc not measured"
    charts = {
        "lengths": length_chart(source, target, found["temporal"]["value"]),
        "benchmarks": benchmark_chart(
            GAPS,
            found["name"],
            found["temporal"]["value"],
            scenes.get("value"),
            scenes.get("of_paper", False),
            points,
        ),
    }
    if "total_variation" in classes:
        charts["classes"] = class_chart(classes["names"], classes["source"], classes["target"])
    elif (out / "classes.svg").exists():  # of an earlier measurement
        for kind in ("svg", "png"):
            (out / f"classes.{kind}").unlink(missing_ok=True)
    write_text(out / GAPS_FILE, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    for name, chart in charts.items():
        write_chart(chart, out / name)
    return [*(out / f"{name}.{kind}" for name in charts for kind in ("svg", "png")), out / GAPS_FILE]
