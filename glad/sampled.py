"""Which frames of a video a recipe takes, draw by draw, with its background: what `glad show` draws and prints."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from glad.augment import mixed
from glad.data.background import video_median
from glad.data.domain import Domain, VideoSet
from glad.data.frames import FrameFolder
from glad.data.held import Given
from glad.data.image import read_image
from glad.data.listing import Listing, open_listing
from glad.data.pack import PackedVideo
from glad.data.plan import AUGMENT, SOURCE, TARGET
from glad.data.video import Video
from glad.errors import UserError
from glad.recipe import Recipe
from glad.sampling import Sampler

Role = Literal["source", "target"]
Mark = Literal["", "wrapped", "held", "again"]
SIGNS: dict[Mark, str] = {"": "", "wrapped": "↺", "held": "‖", "again": "="}
MEANINGS: dict[Mark, str] = {
    "wrapped": "past the end, so the video starts again",
    "held": "past the end, so the last frame is held",
    "again": "the same frame as the one before it",
}
UNIFORM_RATIO = 0.5  # the share of the background that is shown where training draws it from [0, 1]


@dataclass(frozen=True)
class Draw:
    """The clips of one draw.

    Attributes:
        title: which draw it is.
        times: `{view: int64 (n, t)}`, the frames, counted from 0 inside the video.
        marks: `{view: (n, t)}`, what is particular about a frame.
        asked: `{view: int64 (n, t)}`, the frames before those past the end were brought back.
        pixels: `{view: uint8 (n, t, h, w, 3)}`, the frames as the network gets them, before any background is mixed in.
    """

    title: str
    times: dict[str, np.ndarray]
    marks: dict[str, np.ndarray]
    asked: dict[str, np.ndarray]
    pixels: dict[str, np.ndarray]


@dataclass(frozen=True)
class Still:
    """A background, and what becomes of the first clip of the first draw when it is mixed in.

    Attributes:
        name: whose background it is.
        image: uint8 (h, w, 3), as it is stored.
        seen: uint8 (size, size, 3), as it is mixed in.
        about: how often it is mixed in, and which share of a frame it then is.
        mixed: uint8 (t, size, size, 3), or None where the recipe mixes nothing.
    """

    name: str
    image: np.ndarray
    seen: np.ndarray
    about: str
    mixed: np.ndarray | None


@dataclass(frozen=True)
class Sampled:
    """A video of `frames` frames, the `draws` of it, and its background."""

    name: str
    about: tuple[str, ...]
    frames: int
    draws: tuple[Draw, ...]
    still: Still

    def text(self) -> str:
        """Return the frame numbers as lines to read."""
        lines = [self.name, *(f"  {line}" for line in self.about)]
        width = max(len(clip_name(view, 9)) for draw in self.draws for view in draw.times)
        for draw in self.draws:
            lines.append(draw.title)
            for view, times in draw.times.items():
                for clip, (frames, marks) in enumerate(zip(times, draw.marks[view], strict=True)):
                    numbers = " ".join(
                        f"{f'{frame}{SIGNS[mark]}':>5}" for frame, mark in zip(frames, marks, strict=True)
                    )
                    lines.append(f"  {clip_name(view, clip):<{width}} {numbers}")
        return "\n".join([*lines, *(f"{SIGNS[mark]} {MEANINGS[mark]}" for mark in self.marks())])

    def marks(self) -> list[Mark]:
        """Return the marks that some frame has."""
        found = {mark for draw in self.draws for marks in draw.marks.values() for mark in marks.ravel()}
        return [mark for mark in MEANINGS if mark in found]


def clip_name(view: str, clip: int) -> str:
    """Return what a clip is called, counted from 1: `local 2`."""
    return f"{view} {clip + 1}"


def sampled(
    recipe: Recipe,
    videos: VideoSet,
    index: int,
    *,
    role: Role = "source",
    draws: int = 3,
    seed: int = 0,
    background: Path | None = None,
) -> Sampled:
    """Return what training on `recipe` takes of video `index` in its first `draws` passes, and what testing takes.

    Args:
        recipe: its views, pixels and mix are used; its data are not.
        videos: where the video stands. Its number there is part of the address of a draw, so the frames are the very
            ones of a training of seed `seed` on this list (with `pairing` as it is by default).
        index: which video.
        role: the domain that the video is trained in. Only source videos are mixed.
        draws: passes over the domain, at least 1.
        seed: of the training.
        background: image to mix in; None is the temporal median of the video itself.
    """
    if draws < 1:
        raise UserError(f"{draws} draws show nothing; ask for at least 1")
    views, pixels = (
        (recipe.source_views, recipe.source_pixels) if role == "source" else (recipe.target_views, recipe.target_pixels)
    )
    video, train = videos.video(index), Domain(videos, views, pixels)
    number = SOURCE if role == "source" else TARGET
    fixed = ", the same in every pass" if views.deterministic else ""
    shown = [
        drawn(f"train, draw {k + 1}{fixed}", train, index, len(video), (seed, AUGMENT, number, k, index))
        for k in range(draws)
    ]
    shown.append(drawn("test", Domain(videos, recipe.test_views, recipe.test_pixels), index, len(video), None))
    about = [
        length_of(video, videos[index].offset),
        f"{recipe.name}, as a {role} video, seed {seed}",
        f"train  {described(views)}",
        f"test   {described(recipe.test_views)}",
    ]
    clip = next(iter(shown[0].pixels.values()))[0]
    still = still_of(recipe if role == "source" else None, train, video, clip, background)
    return Sampled(name_of(videos, index), tuple(about), len(video), tuple(shown), still)


def drawn(title: str, domain: Domain, index: int, frames: int, address: tuple[int, ...] | None) -> Draw:
    """Return the clips that `domain` takes of a video of `frames` frames at the random `address`."""
    sample = domain.sample(index, address)
    sampler = domain.sampler
    chance = address is not None and not sampler.deterministic
    asked = sampler.unbounded(frames, np.random.default_rng(address) if chance else None)
    return Draw(
        title,
        sample.times,
        {view: marks_of(sample.times[view], asked[view], frames, sampler) for view in sample.times},
        {view: asked[view].astype(np.int64) for view in sample.times},
        {view: pixels.transpose(0, 2, 3, 4, 1) for view, pixels in sample.views.items()},
    )


def marks_of(times: np.ndarray, asked: np.ndarray, frames: int, sampler: Sampler) -> np.ndarray:
    """Return the marks (n, t) of clips (n, t) of a video of `frames` frames."""
    marks = np.full(times.shape, "", dtype=object)
    marks[:, 1:][times[:, 1:] == times[:, :-1]] = "again"
    marks[asked >= frames] = "wrapped" if sampler.short == "wrap" else "held"
    return marks


def still_of(recipe: Recipe | None, domain: Domain, video: Video, clip: np.ndarray, given: Path | None) -> Still:
    """Return a background, and `clip` (t, h, w, 3) mixed with it as `recipe` mixes; None mixes nothing."""
    image = video_median(video) if given is None else read_image(given)
    name = "its own temporal median" if given is None else str(given)
    seen = domain.background(image)
    mix = recipe.mix if recipe is not None else None
    if mix is None or mix.probability == 0:
        return Still(
            name, image, seen, "target videos are not mixed" if recipe is None else "the recipe mixes none", None
        )
    ratio = UNIFORM_RATIO if mix.ratio == "uniform" else mix.ratio
    share = f"a share drawn from 0 to 1, here {ratio:g}" if mix.ratio == "uniform" else f"a share of {ratio:g}"
    about = f"{100 * mix.probability:g} % of the source videos are mixed with another's, {share}"
    return Still(name, image, seen, about, mixed(clip, seen, ratio))


def described(sampler: Sampler) -> str:
    """Return a sampler as words: `Grid: length 8, interval 2, …`."""
    fields = ", ".join(f"{name} {getattr(sampler, name)}" for name in type(sampler).model_fields)
    return f"{type(sampler).__name__}: {fields}"


def name_of(videos: VideoSet, index: int) -> str:
    """Return a video's path, behind its place in the list where it stands in one."""
    path = videos[index].path
    return f"{videos.where(index)}: {path}" if isinstance(videos, Listing) and videos.line(index) else path


def length_of(video: Video, offset: int) -> str:
    """Return how many frames a video has, and what its frame 0 is in the recording."""
    found = f"{len(video)} frame{'s' if len(video) > 1 else ''}"
    if offset:
        found += f" from offset {offset} on"
    if isinstance(video, FrameFolder | PackedVideo):
        return f"{found}; frame 0 is {video.layout.name(video.offset)}"
    return found


def video_named(
    words: str, row: int | None = None, *, root: Path | None = None, unlabelled: bool = False
) -> tuple[VideoSet, int]:
    """Return the video that `words` name, as a number in a set of videos: a video file, a frame folder, or `LIST:ROW`.

    `row` is the line of a text list or CSV, from 1, as error messages count; it may follow the list after a colon.
    """
    file, colon, number = words.rpartition(":")
    if row is None and colon and number.isdecimal() and Path(file).is_file():
        words, row = file, int(number)
    path = Path(words)
    listed = path.is_file() and path.suffix.lower() in (".txt", ".csv", ".lst", ".list")
    if row is None:
        if listed:
            raise UserError(f"{path} is a list; say which row of it, as in {path}:1")
        return Given((path,)), 0
    if not path.is_file():
        raise UserError(f"there is no list at {path}, so it has no row {row}")
    listing = open_listing(path, labelled=not unlabelled, keep_labels=False, root=root)
    lines = [listing.line(index) for index in range(len(listing))]
    if row not in lines:
        raise UserError(f"{path} has no video on line {row}; its videos stand on lines {lines[0]} to {lines[-1]}")
    return listing, lines.index(row)
