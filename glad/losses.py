"""Eq. 4 and its companions: one function per equation, tensors in, scalars out."""

import itertools
from typing import Any, Literal

import torch
import torch.distributed
import torch.nn.functional as F
from torch import Tensor

ReversalSchedule = Literal["constant", "ramp"]


class _ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0] * -ctx.strength, None


def reverse_gradient(x: Tensor, strength: float = 1.0) -> Tensor:
    """Return `x`; its gradient comes back multiplied by `-strength` (the gradient reversal layer, 4.1).

    Out of place: the incoming gradient is left as it is, since others may read it.
    """
    out: Tensor = _ReverseGradient.apply(x, strength)  # pyright: ignore[reportAssignmentType]
    return out


def reversal_ramp(progress: float, delay: float = 0.0) -> float:
    """Return the reversal strength `2 / (1 + exp(-10 p)) - 1` of Ganin et al., in [0, 1).

    `p` is the progress that remains after a first share `delay`, during which the strength is 0.
    """
    if delay >= 1.0:
        return 0.0
    p = max(progress - delay, 0.0) / (1.0 - delay)
    return float(2.0 / (1.0 + torch.exp(torch.tensor(-10.0 * p))) - 1.0)


def reversal_strength(progress: float, strength: float, schedule: ReversalSchedule, delay: float = 0.0) -> float:
    """Return `strength`, times `reversal_ramp` where the schedule is `ramp`."""
    return strength * (reversal_ramp(progress, delay) if schedule == "ramp" else 1.0)


def domain_loss(source: Tensor, target: Tensor) -> Tensor:
    """Eq. 4: binary cross-entropy of domain logits, source labelled 1, target 0, averaged over all rows.

    Args:
        source: logits (m,) or (m, 1) of source rows.
        target: logits of target rows.
    """
    logits = torch.cat([source.flatten(), target.flatten()])
    labels = torch.cat([torch.ones_like(source.flatten()), torch.zeros_like(target.flatten())])
    return F.binary_cross_entropy_with_logits(logits, labels)


def domain_accuracy(source: Tensor, target: Tensor) -> Tensor:
    """Return the share of rows whose domain the logits tell right; 0.5 when the domains cannot be told apart."""
    right = torch.cat([source.detach().flatten() > 0, target.detach().flatten() <= 0])
    return right.float().mean()


def permutations(n: int) -> Tensor:
    """Return the n! permutations (n!, n) of 0..n-1 in lexicographic order; row y is the order that label y means."""
    return torch.tensor(list(itertools.permutations(range(n))))


def shuffled(phi: Tensor, label: Tensor) -> Tensor:
    """Return clip features (m, n, ...) where clip k of video i is its clip sigma(k), sigma = permutation `label[i]`."""
    order = permutations(phi.shape[1]).to(label.device)[label]
    index = order.reshape(*order.shape, *[1] * (phi.ndim - 2)).expand_as(phi)
    return phi.gather(1, index)


def order_loss(logits: Tensor, label: Tensor, eq7_scale: bool = False) -> Tensor:
    """Eq. 7: cross-entropy (m, n!) against the permutation (m,); 0 with a gradient of 0 when there are no rows.

    `eq7_scale` divides by n! as the equation literally does; the release does not.
    """
    if len(label) == 0:
        return logits.sum() * 0.0
    loss = F.cross_entropy(logits, label)
    return loss / logits.shape[1] if eq7_scale else loss


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.count = len(rows)
        rows = rows.contiguous()
        parts = [torch.empty_like(rows) for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather(parts, rows)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        total = grads[0].clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(total)
        start = torch.distributed.get_rank() * ctx.count
        return total[start : start + ctx.count]


def gathered(rows: Tensor) -> Tensor:
    """Return `rows` (m, ...) of all processes, in the order of their ranks; in a single process they are all there is.

    The gradient of every process's loss comes back to the process a row is from, so that the gradients, averaged over
    processes as data parallel training does, are those of one process with the whole batch. Every process must have
    equally many rows.
    """
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return rows
    out: Tensor = _Gather.apply(rows)  # pyright: ignore[reportAssignmentType]
    return out
