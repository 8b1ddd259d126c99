"""One domain's samples: a listing of videos, the views taken of them, the pixels made of those."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from glad.augment import Mix, Spatial, mixed
from glad.batch import Clips
from glad.data.background import BackgroundBank
from glad.data.listing import VideoRecord
from glad.data.video import Video
from glad.sampling import Sampler


@dataclass(frozen=True)
class Sample:
    """One video as a method will see it.

    Attributes:
        views: `{view: uint8 (n, 3, t, h, w)}`.
        times: `{view: int64 (n, t)}`, the frame of the video that each clip frame is.
        draw: a random number of this video and epoch.
        label: its class, or None.
        background: uint8 (3, h, w), what stands still in the video, where the domain holds its videos' stills.
    """

    views: dict[str, np.ndarray]
    times: dict[str, np.ndarray]
    draw: int
    label: int | None
    background: np.ndarray | None = None


class VideoSet(Protocol):
    """Where videos come from: a `Listing`, or anything that counts, describes and opens them."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> VideoRecord: ...
    def video(self, index: int) -> Video:
        """Return video `index`, opened."""
        ...


@dataclass(frozen=True)
class Debias:
    """Backgrounds to mix in, and how (4.2)."""

    mix: Mix
    bank: BackgroundBank


@dataclass(frozen=True)
class Domain:
    """Videos of one domain; `samples` depends on its arguments and nothing else, in whichever process it runs.

    `debias` mixes the background of some video into a video; `stills` hands every video's own background to the method.
    """

    listing: VideoSet
    sampler: Sampler
    spatial: Spatial
    debias: Debias | None = None
    stills: BackgroundBank | None = None

    def __len__(self) -> int:
        return len(self.listing)

    def sample(self, index: int, address: tuple[int, ...] | None) -> Sample:
        """Return the clips of video `index`; random numbers come from `address`, and None means evaluation."""
        return self.samples(index, address, 1)[0]

    def samples(self, index: int, address: tuple[int, ...] | None, draws: int) -> list[Sample]:
        """Return the clips of video `index` under `draws` draws of crop, flip and colour; the frames are the same.

        Every distinct frame is decoded once. One crop, one flip and one background are drawn for the whole video.
        """
        rng = None if address is None else np.random.default_rng(address)
        video = self.listing.video(index)
        times = self.sampler.views(len(video), rng)
        needed, where = np.unique(np.concatenate([time.ravel() for time in times.values()]), return_inverse=True)
        frames = video.frames(needed)
        others = [None if address is None else np.random.default_rng((*address, k)) for k in range(1, draws)]
        return [self._sample(index, frames, times, where, drawn) for drawn in (rng, *others)]

    def _sample(
        self,
        index: int,
        frames: np.ndarray,
        times: dict[str, np.ndarray],
        where: np.ndarray,
        rng: np.random.Generator | None,
    ) -> Sample:
        """Return the sample made of decoded `frames`, of which each position of the views is one, by `where`."""
        pixels = self.spatial.apply(frames, rng)
        if rng is not None and self.debias is not None:
            pixels = self._debiased(pixels, self.debias, rng)
        pixels = pixels.transpose(0, 3, 1, 2)
        views, start = {}, 0
        for name, time in times.items():
            rows = where[start : start + time.size].reshape(time.shape)
            views[name] = np.ascontiguousarray(pixels[rows].swapaxes(1, 2))
            start += time.size
        draw = 0 if rng is None else int(rng.integers(2**31))
        still = None if self.stills is None else self.background(self.stills[index]).transpose(2, 0, 1)
        return Sample(views, times, draw, self.listing[index].label, still)

    def _debiased(self, pixels: np.ndarray, debias: Debias, rng: np.random.Generator) -> np.ndarray:
        """Return `pixels` mixed with a background, or as they are; the background is neither flipped nor jittered."""
        drawn = debias.mix.draw(len(debias.bank), rng)
        if drawn is None:
            return pixels
        index, ratio = drawn
        return mixed(pixels, self.background(debias.bank[index]), ratio)

    def background(self, image: np.ndarray) -> np.ndarray:
        """Return a background image (h, w, 3) as (size, size, 3): short side as for frames, then the centre."""
        still = self.spatial if self.spatial.crop == "none" else self.spatial.model_copy(update={"crop": "center"})
        return still.apply(image[None], None)[0]


def collated(samples: list[Sample]) -> Clips:
    """Return samples as clips: every view stacked to (b, n, 3, t, h, w)."""
    first = samples[0]
    return Clips(
        {name: torch.from_numpy(np.stack([sample.views[name] for sample in samples])) for name in first.views},
        {name: torch.from_numpy(np.stack([sample.times[name] for sample in samples])) for name in first.times},
        torch.tensor([sample.draw for sample in samples]),
        None if first.background is None else torch.from_numpy(np.stack([_still(sample) for sample in samples])),
    )


def _still(sample: Sample) -> np.ndarray:
    assert sample.background is not None
    return sample.background


def labels_of(samples: list[Sample]) -> torch.Tensor:
    """Return the classes (b,) int64 of labelled samples."""
    return torch.tensor([sample.label for sample in samples])
