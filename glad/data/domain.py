"""One domain's samples: a listing of videos, the views taken of them, the pixels made of those."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch

from glad.augment import Mix, Spatial, mixing
from glad.batch import Clips
from glad.data.background import BackgroundBank
from glad.data.listing import VideoRecord
from glad.data.shared import room_for
from glad.data.video import Video
from glad.sampling import Sampler

Room = Callable[[tuple[int, ...]], np.ndarray]  # memory for pixels: a shape in, a uint8 array out, with anything in it


def fresh(shape: tuple[int, ...]) -> np.ndarray:
    """Return new memory for pixels."""
    return np.empty(shape, np.uint8)


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

    def samples(
        self,
        index: int,
        address: tuple[int, ...] | None,
        draws: int,
        places: Sequence[dict[str, np.ndarray]] | None = None,
    ) -> list[Sample]:
        """Return the clips of video `index` under `draws` draws of crop, flip and colour; the frames are the same.

        Every distinct frame is decoded once. One crop, one flip and one background are drawn for the whole video.
        `places` holds, for each draw, the arrays that become its views; None makes new ones.
        """
        places = places or [self._views((), fresh) for _ in range(draws)]
        addresses = [address, *(None if address is None else (*address, k) for k in range(1, draws))]
        rngs = [None if each is None else np.random.default_rng(each) for each in addresses]
        video = self.listing.video(index)
        times = self.sampler.views(len(video), rngs[0])
        needed, where = np.unique(np.concatenate([time.ravel() for time in times.values()]), return_inverse=True)
        uses: list[list[tuple[str, int, int]]] = [[] for _ in needed]  # of each frame: view, clip, place in the clip
        positions = ((name, clip, t) for name, time in times.items() for clip, t in np.ndindex(time.shape))
        for position, frame in zip(positions, where, strict=True):
            uses[frame].append(position)
        looks: list[Callable[[np.ndarray], np.ndarray]] = []
        # Frame by frame from file to clips: so a frame is in the processor's cache whenever it is looked at.
        for frame, used in zip(video.stream(needed), uses, strict=True):
            looks = looks or [self._look(frame.shape[0], frame.shape[1], rng) for rng in rngs]
            for look, views in zip(looks, places, strict=True):
                pixels = look(frame[None])[0]
                for name, clip, t in used:
                    put(pixels, views[name][clip, :, t])
        still = None if self.stills is None else self.background(self.stills[index]).transpose(2, 0, 1)
        label = self.listing[index].label
        return [
            Sample(views, times, 0 if rng is None else int(rng.integers(2**31)), label, still)
            for views, rng in zip(places, rngs, strict=True)
        ]

    def clips(
        self, entries: Sequence[tuple[int, tuple[int, ...] | None]], draws: int = 1, room: Room = fresh
    ) -> tuple[list[Clips], list[int | None]]:
        """Return the clips of several videos, once for each of `draws` draws, and the videos' labels.

        An entry is the index of a video and the address of its random numbers. Pixels are stored in `room`.
        """
        stacks = [self._views((len(entries),), room) for _ in range(draws)]
        found = [
            self.samples(*entry, draws, [{name: stack[row] for name, stack in views.items()} for views in stacks])
            for row, entry in enumerate(entries)
        ]
        stills = None
        if self.stills is not None:
            stills = room((len(entries), 3, self.spatial.size, self.spatial.size))
            np.stack([samples[0].background for samples in found], out=stills)  # pyright: ignore
        clips = [
            Clips(
                {name: torch.from_numpy(stack) for name, stack in views.items()},
                {name: torch.from_numpy(np.stack([sample.times[name] for sample in samples])) for name in views},
                torch.tensor([sample.draw for sample in samples]),
                None if stills is None else torch.from_numpy(stills),
            )
            for views, samples in zip(stacks, zip(*found, strict=True), strict=True)
        ]
        return clips, [samples[0].label for samples in found]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return `{view: (n, 3, t, h, w)}`, the same for every video."""
        times = self.sampler.views(1, None)
        return {
            name: (len(time), 3, time.shape[1], self.spatial.size, self.spatial.size) for name, time in times.items()
        }

    def size(self, videos: int, draws: int) -> int:
        """Return the bytes of shared memory that `clips` of so many videos and draws takes."""
        views = [(videos, *shape) for shape in self.shapes().values()] * draws
        return room_for(*views, *([(videos, 3, self.spatial.size, self.spatial.size)] if self.stills else []))

    def _views(self, before: tuple[int, ...], room: Room) -> dict[str, np.ndarray]:
        """Return arrays for all views, their shapes preceded by `before`."""
        return {name: room((*before, *shape)) for name, shape in self.shapes().items()}

    def _look(self, height: int, width: int, rng: np.random.Generator | None) -> Callable[[np.ndarray], np.ndarray]:
        """Return what is done to every frame (1, h, w, 3) of one video: its look, then perhaps a background.

        The background is neither flipped nor jittered.
        """
        look = self.spatial.look(height, width, rng)
        if rng is None or self.debias is None:
            return look.at
        drawn = self.debias.mix.draw(len(self.debias.bank), rng)
        if drawn is None:
            return look.at
        index, ratio = drawn
        mix = mixing(self.background(self.debias.bank[index]), ratio)
        return lambda frame: mix(look.at(frame))

    def background(self, image: np.ndarray) -> np.ndarray:
        """Return a background image (h, w, 3) as (size, size, 3): short side as for frames, then the centre."""
        still = self.spatial if self.spatial.crop == "none" else self.spatial.model_copy(update={"crop": "center"})
        return still.apply(image[None], None)[0]


def put(pixels: np.ndarray, planes: np.ndarray) -> None:
    """Write `pixels` (h, w, 3) uint8 into `planes` (3, h, w), which may lie far apart."""
    places = list(planes)
    assert cv2.split(pixels, places)[0] is places[0], "OpenCV split a picture into planes of its own"
