"""Where a run looks when it names an action: Grad-CAM on the last map of its backbone.

Selvaraju et al., "Grad-CAM" (ICCV 2017), with a map over time and space: each of its d features is weighted by the mean
gradient of the class's score by it (their Equation 1), and the sum is kept where it is positive (Equation 2).
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from glad.batch import Clips
from glad.data.domain import Domain
from glad.data.held import Given, Source
from glad.errors import UserError
from glad.methods.base import Method
from glad.predict import TOP, Prediction, Predictor

MOVES = 20.0  # of 255: how far a pixel is from what stands still where something moves (ours)


@dataclass(frozen=True)
class Saliency:
    """Where a run looked, clip by clip of each view (n clips, t frames, h w pixels as the network saw them).

    Attributes:
        video: the video itself.
        said: the prediction.
        name: the class that the saliency is of.
        times: `{view: (n, t)}`, the frames of the video.
        pixels: `{view: uint8 (n, t, h, w, 3)}`.
        heat: `{view: float32 (n, t, h, w)}`, in [0, 1]; the largest of all clips is 1, unless nothing speaks for the
            class and all are 0. A clip without a vote in the prediction has none.
        places: (t', h', w') of the backbone's map: the heat knows no more places than that.
        moving: share of the heat where something moves.
        moving_area: share of the pixels where something moves; a run that looks just anywhere has `moving` as large.
    """

    video: Source
    said: Prediction
    name: str
    times: dict[str, NDArray[np.int64]]
    pixels: dict[str, NDArray[np.uint8]]
    heat: Mapping[str, NDArray[np.floating]]
    places: tuple[int, int, int]
    moving: float
    moving_area: float

    def row(self) -> list[str]:
        """Return a row of the table `as_csv`."""
        numbers = (self.said.probability, self.moving, self.moving_area)
        return [self.said.video, self.said.name, self.name, *(f"{number:.6f}" for number in numbers)]


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of `Saliency.row` as CSV with its heading."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["video", "class", "saliency_of", "probability", "saliency_on_what_moves", "pixels_that_move"])
    table.writerows(rows)
    return text.getvalue()


def saliency(
    predictor: Predictor, video: Source, name: str | None = None, *, top: int = TOP, unknown: float = 0.0
) -> Saliency:
    """Return where a run looks in a video to find the class `name`; None is the one that it predicts.

    Raises UserError where the video cannot be read, and where there is no such class.
    """
    domain = Domain(Given((video,)), predictor.recipe.test_views, predictor.recipe.test_pixels)
    (clips,), _ = domain.clips([(0, None)])
    if name is not None and name not in predictor.classes:
        raise UserError(f"there is no class '{name}'; there are {', '.join(predictor.classes)}")
    found, probabilities = class_activation(
        predictor.method, clips.map(lambda t: t.to(predictor.device)), predictor.classes.index(name) if name else None
    )
    said = predictor.prediction(domain.listing[0].path, probabilities, top, unknown)
    pixels = {view: clip[0].permute(0, 2, 3, 4, 1).numpy() for view, clip in clips.views.items()}
    heat = {
        view: F.interpolate(one[:, None], pixels[view].shape[1:4], mode="trilinear")[:, 0].numpy()
        for view, one in found.items()
    }
    most = max(float(one.max()) for one in heat.values())
    heat = {view: one / most if most > 0 else one for view, one in heat.items()}
    times = {view: time[0].numpy() for view, time in clips.times.items()}
    moving, area = share_that_moves(times, pixels, heat)
    t, h, w = next(iter(found.values())).shape[1:]
    return Saliency(video, said, name or said.classes[0], times, pixels, heat, (t, h, w), moving, area)


def class_activation(method: Method, clips: Clips, number: int | None) -> tuple[dict[str, Tensor], Tensor]:
    """Return `{view: (n, t', h', w')}` >= 0 for one video (b = 1), and its probabilities (k,), on the CPU.

    The score of class c is log p_c - mean_j log p_j. Where p is a softmax of scores, that is the score of c beside the
    mean of all: what the network computed but for a constant that changes no prediction. So no part of a method other
    than its prediction is asked for. Scores more than 100 apart leave probabilities that single precision holds for
    0; of those nothing can be learned, and where all others are, nothing is salient. `number` None is the most probable
    class.

    Raises UserError where the method shows its backbone other pixels than those of the clips, or computes without
    gradients.
    """
    seen: list[tuple[Tensor, Tensor]] = []
    backbone = method.backbone
    method.backbone = _Watched(backbone, seen)
    try:
        with torch.enable_grad():
            (probabilities,) = method.predict(clips).probabilities
    finally:
        method.backbone = backbone
    if not probabilities.requires_grad:
        raise UserError("this method predicts without gradients (torch.no_grad), so no saliency can be drawn")
    logs = probabilities.float().clamp_min(1e-38).log()
    number = int(probabilities.argmax()) if number is None else number
    maps = [each for _, each in seen]
    slopes = torch.autograd.grad(logs[number] - logs.mean(), maps, allow_unused=True)
    left = [
        (pixels, F.relu((one * slope.mean(dim=(1, 2, 3), keepdim=True)).sum(dim=0)) if slope is not None else None)
        for (batch, each), gradient in zip(seen, slopes, strict=True)
        for pixels, one, slope in zip(
            batch, each.detach(), [None] * len(each) if gradient is None else gradient, strict=True
        )
    ]
    places = maps[0].shape[2:]
    found = {}
    for view, shown in clips.views.items():
        rows = [_taken(left, clip) for clip in shown[0]]
        found[view] = torch.stack([torch.zeros(places) if row is None else row.float().cpu() for row in rows])
    return found, probabilities.detach().float().cpu()


def _taken(left: list[tuple[Tensor, Tensor | None]], clip: Tensor) -> Tensor | None:
    """Return the heat of a clip (3, t, h, w), and take it out of what is left."""
    for place, (pixels, heat) in enumerate(left):
        if pixels.shape == clip.shape and torch.equal(pixels.float(), clip.float()):
            del left[place]
            return heat
    raise UserError("this method shows its backbone other pixels than the clips have, so no saliency can be drawn")


class _Watched(nn.Module):
    """A backbone that computes without gradients, and notes what it saw and its maps, which gradients begin at."""

    def __init__(self, backbone: nn.Module, seen: list[tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.backbone, self.width, self.seen = backbone, backbone.width, seen

    def forward(self, pixels: Tensor) -> Tensor:
        with torch.no_grad():
            maps = self.backbone(pixels)
        maps = maps.detach().clone().requires_grad_()
        self.seen.append((pixels, maps))
        return maps


def share_that_moves(
    times: dict[str, NDArray[np.int64]],
    pixels: dict[str, NDArray[np.uint8]],
    heat: Mapping[str, NDArray[np.floating]],
) -> tuple[float, float]:
    """Return the share of the heat, and of the pixels, where a frame differs from what stands still.

    That is the median over all distinct frames of all views, and different is what is `MOVES` away in the mean of the
    three colours. Where the camera moves, everything does.
    """
    frames = {
        time: frame for view in times for time, frame in zip(times[view].ravel(), _flat(pixels[view]), strict=True)
    }
    still = np.median(np.stack(list(frames.values())), axis=0)
    moves = {view: np.abs(pixels[view] - still).mean(axis=-1) > MOVES for view in times}
    whole = sum(float(one.sum()) for one in heat.values())
    hot = sum(float(heat[view][moves[view]].sum()) for view in heat)
    area = sum(int(one.sum()) for one in moves.values()) / sum(one.size for one in moves.values())
    return hot / whole if whole else 0.0, area


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the frames (n t, h, w, 3) of clips (n, t, h, w, 3)."""
    return pixels.reshape(-1, *pixels.shape[2:])
