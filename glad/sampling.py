"""Which frames make a clip: integers in, integers out.

A sampler is a value that turns the length of a video into named views, each an array `(n clips, t frames)` of
0-based frame indices. `rng=None` gives the deterministic clips of evaluation.
"""

from abc import abstractmethod
from typing import Literal, Self

import numpy as np
from pydantic import NonNegativeInt, PositiveInt, model_validator

from glad.errors import UserError
from glad.part import Part

Views = dict[str, np.ndarray]
Short = Literal["wrap", "repeat_last"]


class Sampler(Part):
    """How clips are taken from a video.

    Attributes:
        length: frames in a clip.
        interval: frames from one frame of a dense clip to the next.
        short: what an index past the end means. `wrap` starts again at frame 0 (the release), `repeat_last` holds the
            last frame (time never runs backwards).
        deterministic: the clips of evaluation in training too, as the release samples its target.
    """

    length: PositiveInt = 8
    interval: PositiveInt = 2
    short: Short = "wrap"
    deterministic: bool = False

    @property
    def span(self) -> int:
        """Frames from the first of a dense clip to one interval past its last."""
        return self.length * self.interval

    @abstractmethod
    def unbounded(self, num_frames: int, rng: np.random.Generator | None) -> Views:
        """Return the views before indices past the end are brought back into the video."""

    def views(self, num_frames: int, rng: np.random.Generator | None) -> Views:
        """Return `{view: (n, t) int64}` with every index in `[0, num_frames)`."""
        assert num_frames > 0, num_frames
        found = self.unbounded(num_frames, None if self.deterministic else rng)
        return {name: within(frames, num_frames, self.short) for name, frames in found.items()}

    def dense(self, starts: np.ndarray) -> np.ndarray:
        """Return dense clips `(n, t)` beginning at `starts`: one frame every `interval`."""
        return starts[:, None] + self.interval * np.arange(self.length)

    def spread(self, clips: int, num_frames: int, rng: np.random.Generator | None) -> np.ndarray:
        """Return `clips` dense clips `(clips, t)`, one in each equal share of the possible starts; 0 is none."""
        return self.dense(clip_starts(num_frames, clips, self.span, rng) if clips else np.empty(0, dtype=np.int64))


class Grid(Sampler):
    """The release sampler: `clips` dense clips spread over the video form a grid of frames.

    A local view is a row of that grid; a global view is a column, the same frame of every clip. The release takes
    rows 4 and 5 and column 3 of 8 x 8: 24 positions, 22 of them distinct, and only those are computed.
    `ordered_clips` adds a view of so many clips for `method.order=ordered`.
    """

    clips: PositiveInt = 8
    local_rows: tuple[int, ...] = (4, 5)
    global_columns: tuple[int, ...] = (3,)
    ordered_clips: NonNegativeInt = 0

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not all(0 <= row < self.clips for row in self.local_rows):
            raise UserError(f"local_rows {self.local_rows} name rows of a grid whose rows are 0..{self.clips - 1}")
        if not all(0 <= column < self.length for column in self.global_columns):
            raise UserError(f"global_columns {self.global_columns} name columns outside 0..{self.length - 1}")
        return self

    def unbounded(self, num_frames: int, rng: np.random.Generator | None) -> Views:
        starts = clip_starts(num_frames, self.clips, self.span, rng)
        columns = np.array(self.global_columns, dtype=np.int64)
        views = {
            "global": starts[None, :] + self.interval * columns[:, None],
            "local": self.dense(starts[list(self.local_rows)]),
            "ordered": self.spread(self.ordered_clips, num_frames, rng),
        }
        return {name: frames for name, frames in views.items() if len(frames)}


class Segments(Sampler):
    """The paper's sampler (4.1): a global clip takes one frame of each of `length` equal parts of the video, a local
    clip is dense from a random start.

    `locals_are` says how several local clips relate: `independent` starts, sorted in time (the paper), or `adjacent`
    (ours): they follow one another without overlap wherever the video is long enough. `ordered_clips` adds a view of
    so many clips for `method.order=ordered`.
    """

    global_views: NonNegativeInt = 1
    local_views: NonNegativeInt = 2
    locals_are: Literal["independent", "adjacent"] = "independent"
    ordered_clips: NonNegativeInt = 0

    def unbounded(self, num_frames: int, rng: np.random.Generator | None) -> Views:
        views = {
            "global": np.stack([self._uniform(num_frames, rng) for _ in range(self.global_views)])
            if self.global_views
            else np.empty((0, self.length)),
            "local": self.dense(self._starts(num_frames, rng)),
            "ordered": self.spread(self.ordered_clips, num_frames, rng),
        }
        return {name: frames for name, frames in views.items() if len(frames)}

    def _uniform(self, num_frames: int, rng: np.random.Generator | None) -> np.ndarray:
        within_part = np.full(self.length, 0.5) if rng is None else rng.random(self.length)
        return np.floor((np.arange(self.length) + within_part) * num_frames / self.length).astype(np.int64)

    def _starts(self, num_frames: int, rng: np.random.Generator | None) -> np.ndarray:
        count = self.local_views
        room = num_frames - count * self.span
        if self.locals_are == "adjacent" and room >= 0:
            first = room // 2 if rng is None else rng.integers(0, room + 1)
            return first + self.span * np.arange(count)
        if rng is None:
            return np.floor((np.arange(count) + 0.5) * max(num_frames - self.span + 1, 0) / max(count, 1)).astype(int)
        return np.sort(rng.integers(0, max(num_frames - self.span + 1, 1), size=count))


class Ordered(Sampler):
    """Clips in temporal order, for order learning (1.9 of the specification): one dense clip per equal share of the
    possible starts, or `adjacent` clips without overlap where the video is long enough (ours)."""

    clips: PositiveInt = 3
    placed: Literal["spread", "adjacent"] = "spread"

    def unbounded(self, num_frames: int, rng: np.random.Generator | None) -> Views:
        room = num_frames - self.clips * self.span
        if self.placed == "adjacent" and room >= 0:
            first = room // 2 if rng is None else rng.integers(0, room + 1)
            return {"ordered": self.dense(first + self.span * np.arange(self.clips))}
        return {"ordered": self.spread(self.clips, num_frames, rng)}


class Quarters(Sampler):
    """CO2A's sampler (3.4 of the specification): one clip from each of `clips` equal parts of the video, in order.

    A part has `num_frames // clips` frames, and a clip takes the middle frame of each of `length` equal pieces of its
    part; in a part of fewer frames than `length` frames repeat. Nothing is drawn, in training neither, unless `frames`
    is `drawn` (CO2A's temporal augmentation): then the frames of all clips together are drawn from the whole video
    with repetition and sorted. A video of fewer than `length` or `clips` frames counts as that long: the release drops
    it, here `short` says how it goes on. `interval` must be left alone, there is none.
    """

    clips: PositiveInt = 4
    length: PositiveInt = 16
    frames: Literal["fixed", "drawn"] = "fixed"

    @model_validator(mode="after")
    def _no_interval(self) -> Self:
        if self.interval != Sampler.model_fields["interval"].default:
            raise UserError(
                f"Quarters spreads the frames of a clip over its part of the video, so interval={self.interval} has no "
                "meaning; leave it out"
            )
        return self

    def unbounded(self, num_frames: int, rng: np.random.Generator | None) -> Views:
        if self.frames == "drawn" and rng is not None:
            drawn = np.sort(rng.integers(0, num_frames, size=self.clips * self.length))
            return {"ordered": drawn.reshape(self.clips, self.length)}
        part = max(num_frames, self.clips, self.length) // self.clips
        middles = (2 * np.arange(self.length) + 1) * part // (2 * self.length)
        return {"ordered": part * np.arange(self.clips)[:, None] + middles}


class Nodes(Sampler):
    """The sampler of CoMix: `clips` clips of neighbouring frames in temporal order, whose starts lie on a grid.

    The video is cut into slots that begin every `grid` frames, the slots into `clips` runs of nearly equal length, and
    each run gives one clip: a random slot of it, in evaluation its first. A video with too few frames is slowed down:
    every frame is repeated in place, ceil(72 / n) times for the default sizes, so that order is kept and every run
    has a slot. No clip reaches past the end, and `short` has nothing to decide.
    """

    interval: PositiveInt = 1
    clips: PositiveInt = 16
    grid: PositiveInt = 4

    @property
    def reserve(self) -> int:
        """Slots at the end of a video that start no clip; the released code keeps one more than would be needed."""
        return -(-self.span // self.grid)

    @property
    def least(self) -> int:
        """Frames that a video needs to be sampled as it is; one with fewer is slowed down."""
        return self.grid * (self.clips + self.reserve)

    def unbounded(self, num_frames: int, rng: np.random.Generator | None) -> Views:
        repeats = -(-self.least // num_frames)  # 1 from `least` frames on
        slots = num_frames * repeats // self.grid - self.reserve
        runs = np.array_split(np.arange(slots), self.clips)
        slot = np.array([run[0] if rng is None else rng.choice(run) for run in runs])
        return {"ordered": self.dense(self.grid * slot) // repeats}


def clip_starts(num_frames: int, clips: int, span: int, rng: np.random.Generator | None) -> np.ndarray:
    """Return the first frames `(clips,)` of dense clips spread over a video, as the release draws them.

    With `rng`, each clip starts at random inside its own share of the possible starts; with fewer starts than
    clips the draws are sorted (num_frames > span, clips) or rounded to a fixed ramp. Without, the share's centre.
    """
    k = np.arange(clips)
    possible = num_frames - span + 1
    if rng is None:
        if num_frames < span:
            return np.zeros(clips, dtype=np.int64)
        return (k * possible / clips + possible / (2 * clips)).astype(np.int64)
    share = possible // clips
    if share > 0:
        return k * share + rng.integers(0, share, size=clips)
    if num_frames > max(clips, span):
        return np.sort(rng.integers(0, possible, size=clips))
    return np.around(k * max(possible, 0) / clips).astype(np.int64)


def within(frames: np.ndarray, num_frames: int, short: Short) -> np.ndarray:
    """Return `frames` with indices past the end wrapped to the start, or held at the last frame."""
    inside = frames % num_frames if short == "wrap" else np.minimum(frames, num_frames - 1)
    return inside.astype(np.int64)
