"""The contract of a method: it turns a batch into named losses, and clips into class probabilities. Nothing else."""

from abc import abstractmethod
from typing import Protocol

from torch import Tensor, nn

from glad.batch import Batch, Clips, Losses
from glad.part import Part


class Backbone(Protocol):
    """RGB pixels (b, 3, t, h, w), uint8 or float in [0, 255], to a feature map (b, width, t', h', w').

    It normalises its input itself, so that preprocessing cannot come apart from the weights; pooling is the method's.
    """

    width: int

    def __call__(self, pixels: Tensor) -> Tensor: ...


class Method(Protocol):
    """What `MethodConfig.build` returns: a module that never meets an optimiser, a rank, a file or a device.

    Attributes:
        backbone: what a later stage may start from.
        classifier: the action classifier, whose rate the optimiser may raise; None where there is none.
        needs_target: whether training batches must hold target clips.
    """

    backbone: Backbone
    classifier: nn.Module | None
    needs_target: bool

    def forward(self, batch: Batch) -> Losses:
        """Return the losses of a training batch."""
        ...

    def predict(self, clips: Clips) -> Tensor:
        """Return class probabilities (b, k), each row summing to 1. No auxiliary heads, no backgrounds."""
        ...


class MethodConfig(Part):
    """A method as a value."""

    @abstractmethod
    def build(self, backbone: Backbone, num_classes: int) -> nn.Module:
        """Return the `Method` around `backbone` for `num_classes` actions."""
