"""Class and probability for videos that nobody has labelled."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glad.data.domain import Domain
from glad.data.loader import Videos, evaluation_batches
from glad.data.named import Named, videos_at
from glad.evaluate import device_at_hand, predictions_of
from glad.fast import Backend, Faster
from glad.progress import progress
from glad.run import Run


@dataclass(frozen=True)
class Prediction:
    """What a run says of one video: classes with their probabilities, most probable first."""

    video: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]

    def as_json(self) -> str:
        """Return the prediction as one line of JSON."""
        named = {name: round(p, 6) for name, p in zip(self.classes, self.probabilities, strict=True)}
        return json.dumps({"video": self.video, "class": self.classes[0], "probabilities": named})

    def as_text(self) -> str:
        """Return the prediction as one line to read."""
        named = zip(self.classes, self.probabilities, strict=True)
        return f"{self.video}: " + ", ".join(f"{name} {100 * p:.1f} %" for name, p in named)


def predict(
    run: Run, paths: list[Path], *, top: int = 5, workers: int = 0, backend: Backend = "auto"
) -> Iterator[Prediction]:
    """Yield the `top` classes of each video file or frame folder, in the order given, each as soon as it is known.

    A folder of videos stands for all videos in it, at any depth, sorted by path.

    The checkpoint is the one that the recipe's rule chose when the run was evaluated; `last` needs no evaluation.
    The backbone computes on the engine that `backend` names (`glad.fast`), within 1e-4 of PyTorch.
    """
    recipe, names = run.recipe, run.classes
    paths = [video for path in paths for video in videos_at(path)]
    method = run.method(run.selected()).to(device := device_at_hand())
    domain = Domain(Named(tuple(paths)), recipe.test_views, recipe.test_pixels)
    clips = len(domain) * sum(shape[0] for shape in domain.shapes().values())
    method.backbone = Faster(method.backbone, clips, backend)
    batches = evaluation_batches(Videos(domain, 1, tuple(range(len(domain)))), workers)
    with progress("predict", len(domain), "video") as bar:
        for [predicted], indices in predictions_of([method], batches, device):
            for index, row in zip(indices, predicted.probabilities, strict=True):
                values, order = row.topk(min(top, len(names)))
                classes = tuple(names[i] for i in order.tolist())
                yield Prediction(str(paths[index]), classes, tuple(values.tolist()))
            bar.advance(len(indices))
