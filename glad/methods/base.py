"""The contract of a method: it turns a batch into named losses, and clips into class probabilities. Nothing else."""

from abc import abstractmethod
from typing import Protocol

from torch import Tensor, nn

from glad.batch import Batch, Clips, Losses
from glad.part import Part


class Method(Protocol):
    """What `MethodConfig.build` returns: a module that never meets an optimiser, a rank, a file or a device.

    Attributes:
        backbone: what a later stage may start from.
        classifier: the action classifier, whose rate the optimiser may raise; None where there is none.
        needs_target: whether training batches must hold target clips.
    """

    backbone: nn.Module
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
    def build(self, backbone: nn.Module, num_classes: int) -> nn.Module:
        """Return the `Method` around `backbone` for `num_classes` actions."""
