"""Class and probability for videos that nobody has labelled."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from glad.batch import Clips
from glad.data.domain import Domain
from glad.data.held import Given, Source
from glad.data.loader import videos_one_by_one
from glad.errors import UserError
from glad.evaluate import device_at_hand, predictions_of
from glad.fast import Backend, Faster
from glad.progress import progress
from glad.run import Run

TOP = 5  # classes that are told of a video
TOGETHER = 8  # videos computed together on a GPU; on a CPU one by one is as fast

Failed = Callable[[str, UserError], None]  # called with the name of a video, and why it cannot be read


@dataclass(frozen=True)
class Prediction:
    """What a run says of one video: classes with their probabilities, most probable first.

    Below the probability `unknown` the first class is not believed, and `name` is "unknown".
    """

    video: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    unknown: float = 0.0

    @property
    def name(self) -> str:
        """The class, or "unknown"."""
        return self.classes[0] if self.probabilities[0] >= self.unknown else "unknown"

    @property
    def probability(self) -> float:
        """The probability of the most probable class."""
        return self.probabilities[0]

    def as_json(self) -> str:
        """Return the prediction as one line of JSON."""
        named = {name: round(p, 6) for name, p in zip(self.classes, self.probabilities, strict=True)}
        return json.dumps({"video": self.video, "class": self.name, "probabilities": named})

    def as_text(self) -> str:
        """Return the prediction as one line to read."""
        named = zip(self.classes, self.probabilities, strict=True)
        said = ", ".join(f"{name} {100 * p:.1f} %" for name, p in named)
        return f"{self.video}: {said}" if self.name == self.classes[0] else f"{self.video}: unknown ({said})"


class Predictor:
    """A trained run in memory, on the GPU where there is one: it names the action in one video after the other.

    Attributes:
        run, recipe, classes: what was trained, and the names of its k classes.
        method: the network of the checkpoint that the recipe's rule chose when the run was evaluated; `last` needs no
            evaluation.
    """

    def __init__(self, run: Run, *, backend: Backend = "auto", together: int | None = None) -> None:
        """Load a run.

        Args:
            run: a trained run.
            backend: the engine that the backbone computes on (`glad.fast`, where CLOSE says how close to PyTorch).
            together: how many videos are computed at once; None is 8 on a GPU, and one on a CPU.

        Raises UserError where nothing was trained there, or no action classifier.
        """
        self.run, self.recipe, self.classes = run, run.recipe, run.classes
        self.device = device_at_hand()
        self.method = run.method(run.selected()).to(self.device)
        if self.method.classifier is None:
            raise UserError(f"{run.folder} is a stage that has no action classifier; predict with the one after it")
        self.engine = self.method.backbone = Faster(self.method.backbone, 0, backend)
        self.together = together or (TOGETHER if self.device.type == "cuda" else 1)

    def predict(self, video: Source, *, top: int = TOP, unknown: float = 0.0) -> Prediction:
        """Return what the run says of one video.

        Args:
            video: path of a video file or a folder of frames, or the frames: a numpy array (t, h, w, 3) uint8, RGB.
            top: how many classes are told.
            unknown: the probability below which the video is called "unknown".

        Raises UserError where the video cannot be read.
        """
        (found,) = self.predict_all([video], top=top, unknown=unknown)
        return found

    def predict_all(
        self,
        videos: Sequence[Source],
        *,
        top: int = TOP,
        unknown: float = 0.0,
        workers: int = 0,
        failed: Failed | None = None,
    ) -> Iterator[Prediction]:
        """Yield what the run says of each video, in the order given, each as soon as it is known.

        Args:
            videos: as `predict` takes them.
            top: as in `predict`.
            unknown: as in `predict`.
            workers: processes that load videos; 0 is this one.
            failed: called with the name of each video that cannot be read, and the reason; then the others go on.
                None raises the first such UserError.
        """
        domain = Domain(Given(tuple(videos)), self.recipe.test_views, self.recipe.test_pixels)
        with progress("predict", len(domain), "video", shown=len(domain) > 1) as bar:

            def readable() -> Iterator[tuple[str, Clips]]:
                for index, loaded in enumerate(videos_one_by_one(domain, workers)):
                    name = domain.listing[index].path
                    if not isinstance(loaded, UserError):
                        yield name, loaded
                    elif failed is None:
                        raise loaded
                    else:
                        failed(name, loaded)
                        bar.advance()

            for name, row in self.answers(readable(), len(domain)):
                bar.advance()
                yield self.prediction(name, row, top, unknown)

    def answers(self, named: Iterable[tuple[str, Clips]], count: int) -> Iterator[tuple[str, Tensor]]:
        """Yield the probabilities (k,) of each of about `count` videos, given with their names and alone (b = 1)."""
        self.engine.left = count * sum(len(view) for view in self.recipe.test_views.views(1, None).values())
        left = iter(named)
        names: list[str] = []

        def batches() -> Iterator[tuple[Clips, list[int]]]:
            while group := list(islice(left, self.together)):
                indices = list(range(len(names), len(names) + len(group)))
                names.extend(name for name, _ in group)
                yield joined([clips for _, clips in group]), indices

        for [predicted], indices in predictions_of([self.method], batches(), self.device):
            yield from zip((names[index] for index in indices), predicted.probabilities, strict=True)

    def prediction(self, name: str, probabilities: Tensor, top: int, unknown: float) -> Prediction:
        """Return the `top` most probable classes of a video as a prediction, given all its probabilities (k,)."""
        assert top >= 1, top
        values, order = probabilities.topk(min(top, len(self.classes)))
        classes = tuple(self.classes[index] for index in order.tolist())
        return Prediction(name, classes, tuple(values.tolist()), unknown)


def joined(alone: Sequence[Clips]) -> Clips:
    """Return the clips of several videos as one batch; a batch of one is itself."""
    if len(alone) == 1:
        return alone[0]
    return Clips(
        {name: torch.cat([clips.views[name] for clips in alone]) for name in alone[0].views},
        {name: torch.cat([clips.times[name] for clips in alone]) for name in alone[0].times},
        torch.cat([clips.draw for clips in alone]),
    )
