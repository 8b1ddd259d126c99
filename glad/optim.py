"""How a method's parameters descend: the groups, the optimiser, and the learning rate as a function of the step."""

import math
from typing import Literal

import torch
from pydantic import NonNegativeFloat
from torch import nn

from glad.part import Part, Share

NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)


class Optim(Part):
    """Optimiser and schedule. The multipliers' defaults are the release's for stage 2 (1.11 of the specification).

    Attributes:
        optimizer: `sgd` or `adamw`.
        lr: base learning rate.
        momentum: of SGD.
        weight_decay: of weights; see `decay_all`.
        backbone_lr, head_lr, classifier_lr: multipliers of `lr`: the backbone, the auxiliary heads, the classifier.
        bias_lr: a further multiplier for the biases of convolutions and linear layers.
        decay_all: weight decay on biases and norms as well.
        clip_norm: largest L2 norm of all gradients together; 0 is no limit.
        schedule: `step`: divided by 10 at each of `milestones` (epochs, from 0); `onecycle`: cosine up over the share
            `warmup` of the steps, cosine down to 0; `cosine`: down only; `constant`.
    """

    optimizer: Literal["sgd", "adamw"] = "sgd"
    lr: NonNegativeFloat = 2e-3
    momentum: NonNegativeFloat = 0.9
    weight_decay: NonNegativeFloat = 1e-4
    backbone_lr: NonNegativeFloat = 1.0
    head_lr: NonNegativeFloat = 1.0
    classifier_lr: NonNegativeFloat = 5.0
    bias_lr: NonNegativeFloat = 2.0
    decay_all: bool = False
    clip_norm: NonNegativeFloat = 40.0
    schedule: Literal["step", "onecycle", "cosine", "constant"] = "step"
    milestones: tuple[int, ...] = (5, 10)
    warmup: Share = 0.15

    def build(self, method: nn.Module, fused: bool = False) -> torch.optim.Optimizer:
        """Return the optimiser over every parameter of `method`, each in exactly one group.

        `fused` makes each group one kernel, which is faster on a GPU, and on any device equal to within rounding.
        """
        groups = parameter_groups(method, self)
        if self.optimizer == "adamw":
            return torch.optim.AdamW(groups, lr=self.lr, fused=fused or None)
        return torch.optim.SGD(groups, lr=self.lr, momentum=self.momentum, fused=fused or None)

    def scale(self, step: int, total: int, steps_per_epoch: int) -> float:
        """Return the factor on every group's rate at `step` of `total`."""
        if self.schedule == "step":
            return 0.1 ** sum(step // steps_per_epoch >= milestone for milestone in self.milestones)
        if self.schedule == "constant":
            return 1.0
        rise = self.warmup * total if self.schedule == "onecycle" else 0.0
        if step < rise:
            return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * step / rise))
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(total - rise, 1)))

    def set_rate(self, optimizer: torch.optim.Optimizer, scale: float) -> None:
        """Set every group's rate to its own base rate times `scale`."""
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * scale


def parameter_groups(method: nn.Module, optim: Optim) -> list[dict]:
    """Return optimiser groups, told apart by what a parameter belongs to and is, never by the order of modules."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for module, part in _modules_with_part(method):
        for name, parameter in module.named_parameters(recurse=False):
            norm, bias = isinstance(module, NORMS), name == "bias"
            lr = {"backbone": optim.backbone_lr, "classifier": optim.classifier_lr}.get(part, optim.head_lr)
            lr *= optim.bias_lr if bias and not norm else 1.0
            decay = optim.weight_decay if optim.decay_all or not (norm or bias) else 0.0
            groups.setdefault((lr, decay), []).append(parameter)
    return [
        {"params": params, "lr": optim.lr * lr, "base_lr": optim.lr * lr, "weight_decay": decay}
        for (lr, decay), params in groups.items()
    ]


def _modules_with_part(method: nn.Module) -> list[tuple[nn.Module, str]]:
    """Return every module once, with the name of the method's child that it lies in."""
    found = [(method, "")]
    for name, child in method.named_children():
        found += [(module, name) for module in child.modules()]
    return found
