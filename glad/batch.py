"""What flows: clips of videos, a batch of two domains, the losses a method makes of it, and its predictions.

Letters for shapes, everywhere: b videos, n clips of one view, t frames, h w pixels, d feature width, k classes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Clips:
    """Videos of one domain, seen through named views.

    Attributes:
        views: `{"global": uint8 (b, n, 3, t, h, w), ...}`, RGB pixels.
        times: `{"global": int64 (b, n, t), ...}`, the frame of its video that each clip frame was.
        draw: int64 (b,), a random number per video, addressed like its clips: what a method draws per video comes
            from here, so that the number of processes cannot change it (with the recipe's default `pairing`).
        background: uint8 (b, 3, h, w), what stands still in each video, for a method that asks for it; else None.
    """

    views: dict[str, Tensor]
    times: dict[str, Tensor]
    draw: Tensor
    background: Tensor | None = None

    def __len__(self) -> int:
        return len(self.draw)

    def map(self, move: Callable[[Tensor], Tensor]) -> "Clips":
        """Return the clips with `move` applied to every tensor."""
        return Clips(
            {name: move(view) for name, view in self.views.items()},
            {name: move(time) for name, time in self.times.items()},
            move(self.draw),
            None if self.background is None else move(self.background),
        )


@dataclass
class Batch:
    """One step's videos: labelled source, unlabelled target. There is no place for a target label.

    Attributes:
        source: clips of the source videos.
        label: int64 (b,), classes of the source videos.
        target: clips of the target videos, or None for a method that never sees the target.
        again: the same frames of the same target videos under a second draw of crop, flip and colour, for a method
            that asks for it; else None.
        draw: a random number of the step, the same on every process: what a method draws once per step.
        progress: share of the training done, in [0, 1); what schedules inside a method depend on.
    """

    source: Clips
    label: Tensor
    target: Clips | None
    again: Clips | None = None
    draw: int = 0
    progress: float = 0.0

    def map(self, move: Callable[[Tensor], Tensor]) -> "Batch":
        """Return the batch with `move` applied to every tensor."""
        target = None if self.target is None else self.target.map(move)
        again = None if self.again is None else self.again.map(move)
        return Batch(self.source.map(move), move(self.label), target, again, self.draw, self.progress)

    def pin_memory(self) -> "Batch":
        """Return the batch in page-locked memory; data loaders call this."""
        return self.map(Tensor.pin_memory)


@dataclass
class Losses:
    """What a method makes of a batch.

    Attributes:
        terms: named scalars, already weighted; the objective is their sum and nothing else.
        stats: named scalars that are only logged.
    """

    terms: dict[str, Tensor]
    stats: dict[str, Tensor] = field(default_factory=dict)

    @property
    def total(self) -> Tensor:
        """The objective: the sum of the terms."""
        return torch.stack(list(self.terms.values())).sum()


@dataclass
class Predicted:
    """What a method says of videos.

    Attributes:
        probabilities: (b, k), each row summing to 1.
        features: (b, d), the video features that the action classifier works on.
    """

    probabilities: Tensor
    features: Tensor
