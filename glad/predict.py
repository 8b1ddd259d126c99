"""Class and probability for videos that nobody has labelled."""

from dataclasses import dataclass
from pathlib import Path

from glad.data.domain import Domain
from glad.data.listing import listing_of_paths
from glad.data.loader import Videos, evaluation_batches
from glad.evaluate import device_at_hand, probabilities_of
from glad.progress import progress
from glad.run import Run


@dataclass(frozen=True)
class Prediction:
    """What a run says of one video: classes with their probabilities, most probable first."""

    video: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]


def predict(run: Run, paths: list[Path], *, top: int = 5, workers: int = 0) -> list[Prediction]:
    """Return the `top` classes of each video file or frame folder, in the order given."""
    recipe, names = run.recipe, run.classes
    method = run.method().to(device := device_at_hand())
    domain = Domain(listing_of_paths(paths), recipe.test_views, recipe.test_pixels)
    found = []
    batches = evaluation_batches(Videos(domain, 1, tuple(range(len(domain)))), workers)
    with progress("predict", len(domain), "video") as bar:
        for probabilities, indices in probabilities_of(method, batches, device):
            for index, row in zip(indices, probabilities, strict=True):
                values, order = row.topk(min(top, len(names)))
                classes = tuple(names[i] for i in order.tolist())
                found.append(Prediction(str(paths[index]), classes, tuple(values.tolist())))
            bar.advance(len(indices))
    return found
