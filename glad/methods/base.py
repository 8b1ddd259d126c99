"""The contract of a method: it turns a batch into named losses, and clips into class probabilities. Nothing else."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from glad.batch import Batch, Clips, Losses, Predicted
from glad.part import Part


class Backbone(Protocol):
    """RGB pixels (b, 3, t, h, w), uint8 or float in [0, 255], to a feature map (b, width, t', h', w').

    It normalises its input itself, so that preprocessing cannot come apart from the weights; pooling is the method's.
    """

    width: int

    def __call__(self, pixels: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Needs:
    """What the batches of a method must hold besides labelled source clips.

    Attributes:
        target: clips of target videos.
        backgrounds: `Clips.background`, of the source and of the target where there is one.
        again: the target clips under a second draw, `Batch.again`.
    """

    target: bool = False
    backgrounds: bool = False
    again: bool = False


class Method(nn.Module):
    """What `MethodConfig.build` returns: a module that never meets an optimiser, a rank, a file or a device.

    Attributes:
        backbone: what a later stage may start from.
        classifier: all that prediction needs besides the backbone, and whose rate the optimiser may raise; None where
            there is none.
        needs: what training batches must hold.
        inherits: the children that start from those of the stage before, where there is one.
    """

    backbone: Any
    classifier: Any
    needs: Needs = Needs()
    inherits: tuple[str, ...] = ("backbone",)

    @abstractmethod
    def forward(self, batch: Batch) -> Losses:
        """Return the losses of a training batch."""

    @abstractmethod
    def predict(self, clips: Clips) -> Predicted:
        """Return class probabilities and features of each video. No auxiliary heads, no backgrounds."""


class MethodConfig(Part):
    """A method as a value."""

    @abstractmethod
    def build(self, backbone: Backbone, num_classes: int) -> Method:
        """Return the method around `backbone` for `num_classes` actions."""
