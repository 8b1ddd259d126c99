"""Turns a video into one vector of its scene: by the paper's kind of network, or by plain histograms without weights.

An encoder is a value with the verbs of `SceneEncoder`. Which frames the paper looked at, and at which layer of its
network, is stated nowhere; so the choices here have names, and no number of ours claims to be the published one.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from glad.augment import center_box, resized
from glad.data.background import video_median
from glad.data.video import Video
from glad.errors import UserError
from glad.part import Part

Pictures = NDArray[np.uint8]  # (t, h, w, 3) RGB
Vectors = NDArray[np.float32]  # (n, d), each of length 1, no number negative

FALLBACK = "colour and edge histograms: a fallback, not the paper's scene features, not comparable with its Δbg"
_TOP = 5  # classes counted in each frame by `top5`
_AT_ONCE = 32  # images in one pass of the network


class SceneEncoder(Protocol):
    """What measures scenes. `of_paper` says whether its network is the paper's, Places365's ResNet-50."""

    @property
    def of_paper(self) -> bool: ...

    def about(self) -> str:
        """Return in words what it is; this stands beside every number it makes."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return all that its vectors depend on besides the video, as plain values."""
        ...

    def pictures(self, video: Video) -> Pictures:
        """Return what it looks at of a video, small enough to travel between processes."""
        ...

    def build(self) -> Callable[[Sequence[Pictures]], Vectors]:
        """Return the function from the pictures of n videos to their vectors."""
        ...


class PlacesConfig(Part):
    """ResNet-50 trained on Places365 (Zhou et al. 2018), the network that the paper names.

    Attributes:
        weights: the public `resnet50_places365.pth.tar`.
        scene: `frames` is the pooled 2048 features, averaged over frames; `median` those of the video's temporal
            median; `top5` how often each of the 365 scenes is among the best five of a frame.
        frames: how many, evenly spaced, for `frames` and `top5`.
    """

    weights: Path
    scene: Literal["frames", "median", "top5"] = "frames"
    frames: PositiveInt = 8

    @property
    def of_paper(self) -> bool:
        return True

    def about(self) -> str:
        what = {
            "frames": f"pooled features, mean of {self.frames} frames",
            "median": "pooled features of the temporal median",
            "top5": f"counts of the top {_TOP} scenes over {self.frames} frames",
        }
        return f"ResNet-50 of {self.weights.name}, {what[self.scene]}"

    def identity(self) -> dict[str, Any]:
        try:
            digest = hashlib.sha256(self.weights.read_bytes()).hexdigest()
        except OSError:
            raise UserError(
                f"{self.weights}: there is no such file of weights; Places365 offers resnet50_places365.pth.tar"
            ) from None
        return self.model_dump() | {"weights": digest}

    def pictures(self, video: Video) -> Pictures:
        """Return `(t, 224, 224, 3)`: squashed to 256x256 and cut to the centre, as the authors of Places365 test."""
        seen = resized(
            looked_at(video, "median" if self.scene == "median" else "frames", self.frames), 256, 256, "area"
        )
        left, top, width, height = center_box(256, 256, 224)
        return np.ascontiguousarray(seen[:, top : top + height, left : left + width])

    def build(self) -> Callable[[Sequence[Pictures]], Vectors]:
        import torch  # here, since the processes that decode do without

        from glad.backbones.resnet import pretrained_resnet50

        network = pretrained_resnet50(self.weights)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = network.to(device)
        answer = network.forward if self.scene == "top5" else network.features

        @torch.inference_mode()
        def vectors(videos: Sequence[Pictures]) -> Vectors:
            images = torch.from_numpy(np.concatenate(videos)).permute(0, 3, 1, 2)
            parts = [answer(part.to(device)).float().cpu() for part in images.split(_AT_ONCE)]
            found = torch.cat(parts).split([len(video) for video in videos])
            if self.scene == "top5":
                return unit(np.stack([top_counts(one.numpy()) for one in found]))
            return unit(np.stack([one.mean(dim=0).numpy() for one in found]))

        return vectors


class HistogramConfig(Part):
    """The fallback that needs no weights (ours): where which colours are, and which way edges run.

    Of pictures of 64x64: shares of 64 colours (4 levels of red, green and blue) in each of 2x2 fields, and shares of 8
    directions of edges, by their strength, in 4x4 fields; averaged over the frames. The square roots of either half
    have length 1, and weigh the same.

    Attributes:
        scene: `frames` looks at evenly spaced frames, `median` at the video's temporal median.
        frames: how many.
    """

    scene: Literal["frames", "median"] = "frames"
    frames: PositiveInt = 8

    @property
    def of_paper(self) -> bool:
        return False

    def about(self) -> str:
        what = "the temporal median" if self.scene == "median" else f"mean of {self.frames} frames"
        return f"{FALLBACK} ({what})"

    def identity(self) -> dict[str, Any]:
        return self.model_dump()

    def pictures(self, video: Video) -> Pictures:
        return resized(looked_at(video, self.scene, self.frames), 64, 64, "area")

    def build(self) -> Callable[[Sequence[Pictures]], Vectors]:
        def vectors(videos: Sequence[Pictures]) -> Vectors:
            halves = [
                unit(np.sqrt(np.stack([kind(video) for video in videos]))) for kind in (colour_shares, edge_shares)
            ]
            return unit(np.concatenate(halves, axis=1))

        return vectors


def looked_at(video: Video, scene: Literal["frames", "median"], frames: int) -> Pictures:
    """Return `frames` evenly spaced frames of a video, or its temporal median alone, `(t, h, w, 3)`."""
    if scene == "median":
        return video_median(video)[None]
    return video.frames(((np.arange(frames) + 0.5) * len(video) / frames).astype(int))


def colour_shares(pictures: Pictures) -> NDArray[np.float64]:
    """Return `(256,)`: the share of each of 64 colours in each of 2x2 fields, over all pictures; sums to 1."""
    levels = (pictures >> 6).astype(np.int64)
    colour = levels[..., 0] * 16 + levels[..., 1] * 4 + levels[..., 2]
    place = fields(pictures.shape[1:3], 2)[None] * 64 + colour
    return np.bincount(place.ravel(), minlength=4 * 64) / place.size


def edge_shares(pictures: Pictures) -> NDArray[np.float64]:
    """Return `(128,)`: the share of edge strength in each of 8 directions in each of 4x4 fields; 0 without edges.

    Direction 0 is a brightness that changes from left to right; they go round half a circle.
    """
    total = np.zeros(16 * 8)
    place = fields(pictures.shape[1:3], 4) * 8
    for picture in pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
        turn = np.arctan2(down, across) / np.pi * 8  # in eighths of half a circle
        total += np.bincount(
            (place + np.rint(turn).astype(np.int64) % 8).ravel(), np.hypot(across, down).ravel(), minlength=16 * 8
        )
    return total / total.sum() if total.any() else total


def fields(size: tuple[int, ...], cells: int) -> NDArray[np.int64]:
    """Return for each pixel `(h, w)` in which of `cells` x `cells` fields it lies, row by row from 0."""
    down, across = (np.arange(side) * cells // side for side in size)
    return down[:, None] * cells + across


def top_counts(logits: NDArray) -> NDArray[np.float64]:
    """Return `(classes,)`: in how many of the rows `(t, classes)` each class is among the `_TOP` highest."""
    best = np.argsort(-logits, axis=1, kind="stable")[:, :_TOP]
    return np.bincount(best.ravel(), minlength=logits.shape[1]).astype(np.float64)


def unit(vectors: NDArray) -> Vectors:
    """Return rows of length 1; a row of zeros stays one."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def encoder_of(
    places: Path | None, scene: Literal["frames", "median", "top5", "none"] = "frames", frames: int | None = None
) -> SceneEncoder | None:
    """Return the encoder for the weights at `places`, else the fallback; None for the scene `none`.

    Not given, `frames` are 8, and 30 for `top5`.
    """
    if scene == "none":
        return None
    count = frames or (30 if scene == "top5" else 8)
    if places is not None:
        return PlacesConfig(weights=places, scene=scene, frames=count)
    if scene == "top5":
        raise UserError(
            "top5 counts scenes that Places365 names: give its weights, --places resnet50_places365.pth.tar"
        )
    return HistogramConfig(scene=scene, frames=count)
