"""Test videos to look at, with the truth and what each run said of them (Figure 4 of the paper, for any run)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from glad.report.images import image_tag, no_larger
from glad.report.record import Line, RunRecord, class_name, video_key

Strip = Callable[[Line], np.ndarray | None]

MOST_FILMS = 16  # videos beside one another
ACROSS, DOWN = 4, 3  # frames of a film: a page of them, read like text
HEIGHT = 112  # pixels of a frame, at most
HARDEST = 4  # videos of either kind


@dataclass(frozen=True)
class Film:
    """A video as a sheet of frames, or None where it cannot be shown, with the truth and what runs said of it."""

    sheet: Markup | None
    ratio: float  # of a frame: width over height
    path: str
    truth: str
    verdicts: list[tuple[int, str, dict[str, Any] | None]]  # number and label of a run, what it said


class Films:
    """Makes films of the lines of `predictions.jsonl`; `missing` says of each video that cannot be shown why."""

    def __init__(self, runs: Sequence[RunRecord], strip: Strip | None) -> None:
        self.runs, self.strip = runs, strip
        self.said = [{video_key(line): verdict(run, line) for line in run.predictions} for run in runs]
        self.names = next((run for run in runs if run.predictions), runs[0])

    def film(self, line: Line, only: int | None = None) -> Film:
        """Return the film of a video with the verdicts of all runs, or of the one with number `only`."""
        frames = self.strip(line) if self.strip else None
        sheet, ratio = None, 1.0
        if frames is not None and len(frames):
            ratio = frames.shape[2] / frames.shape[1]
            sheet = image_tag(sheet_of(frames), f"frames of {line['path']}, in order")
        verdicts = [
            (number, run.label, found.get(video_key(line)))
            for number, (run, found) in enumerate(zip(self.runs, self.said, strict=True))
            if only is None or number == only
        ]
        return Film(sheet, ratio, line["path"], class_name(self.names, line["label"]), verdicts)

    def one_a_class(self) -> list[Film]:
        """Return a video of each class, by a fixed rule: the first that runs disagree about, else the first."""
        chosen: dict[int, tuple[bool, Line]] = {}
        for line in self.names.predictions:
            verdicts = {found[key]["right"] for found in self.said if (key := video_key(line)) in found}
            split = len(verdicts) > 1
            if line["label"] not in chosen or (split and not chosen[line["label"]][0]):
                chosen[line["label"]] = (split, line)
        return [self.film(line) for _, (_, line) in sorted(chosen.items(), key=lambda item: item[0])[:MOST_FILMS]]

    def hardest(self) -> list[dict[str, Any]]:
        """Return, of each run, the videos it was surest of and wrong, and those it was least sure of and right."""
        found = []
        for number, run in enumerate(self.runs):
            judged = [(verdict(run, line), line) for line in run.predictions]
            wrong = sorted((one for one in judged if not one[0]["right"]), key=lambda one: -one[0]["sure"])
            right = sorted((one for one in judged if one[0]["right"]), key=lambda one: one[0]["sure"])
            if judged:
                films = [[self.film(line, number) for _, line in kind[:HARDEST]] for kind in (wrong, right)]
                found.append({"number": number, "label": run.label, "wrong": films[0], "right": films[1]})
        return found


def verdict(run: RunRecord, line: Line) -> dict[str, Any]:
    """Return the class a run gave a video, how sure it was, and whether that was right."""
    guess = int(np.argmax(line["probabilities"]))
    sure = line["probabilities"][guess]
    return {"name": class_name(run, guess), "sure": sure, "right": guess == line["label"]}


def sheet_of(frames: np.ndarray) -> np.ndarray:
    """Return ACROSS x DOWN evenly spaced frames of a video (t, h, w, 3) as one picture, left to right, then down."""
    picked = frames[np.linspace(0, len(frames) - 1, ACROSS * DOWN).round().astype(int)]
    small = np.stack([no_larger(frame, HEIGHT) for frame in picked])
    _, h, w, _ = small.shape
    return small.reshape(DOWN, ACROSS, h, w, 3).transpose(0, 2, 1, 3, 4).reshape(DOWN * h, ACROSS * w, 3)
