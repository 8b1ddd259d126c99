"""Watches that the losses and gradients of a training are finite, and never makes a GPU wait for the answer."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from glad.batch import Losses
from glad.errors import UserError

REMEDY = "nothing of this step was kept. Lower --optim.lr, or the weight of the term that blew up, into a new --out"


@dataclass(frozen=True)
class Taken:
    """A step whose weights are about to change; `numbers` waits for its total, its norm, its terms and its stats."""

    step: int
    losses: Losses
    lr: float
    waited: float
    numbers: Callable[[], list[float]]


class Watch:
    """Stops a training at the first loss or gradient that is not finite, and hands what is finite on to a log.

    On the CPU that is before the weights change. A GPU is asked for a step's numbers once the next step is on its
    way, so that it has work while the answer travels; a fused optimiser leaves the weights as they are by itself.
    `settle` waits for what is not known yet: before anything is written.

    Args:
        log: takes a step, its losses (on the CPU), rate and seconds of waiting, in order; returns a note.
        device: of the parameters.
        optimizer: what changes them.
        skips: whether gradients that are not finite are skipped by another, as the scaler of fp16 does.
    """

    def __init__(
        self,
        log: Callable[[int, Losses, float, float], str],
        device: torch.device,
        optimizer: torch.optim.Optimizer,
        skips: bool = False,
    ) -> None:
        self.log, self.optimizer, self.skips = log, optimizer, skips
        self.lag = 0 if device.type == "cpu" else 1
        self.pending: deque[Taken] = deque()
        self.note = ""

    def take(self, step: int, losses: Losses, norm: Tensor | None, lr: float, waited: float) -> None:
        """Take in a step, counted from 1 as in the log, after its gradients (of L2 norm `norm`) and before its update.

        Raises UserError, naming the step and every term, where it or the one before is not finite.
        """
        total, terms, stats = losses.total, losses.terms.values(), losses.stats.values()
        norm = torch.zeros_like(total) if norm is None else norm
        if self.lag and not self.skips and self.optimizer.param_groups[0].get("fused"):
            self.optimizer.found_inf = (~(total.isfinite() & norm.isfinite())).float()  # pyright: ignore
        values = torch.stack([value.detach().double() for value in (total, norm, *terms, *stats)])
        self.pending.append(Taken(step, losses, lr, waited, on_its_way(values)))
        while len(self.pending) > self.lag:
            self._look(self.pending.popleft())

    def settle(self) -> None:
        """Look at every step that was taken, and wait for it."""
        while self.pending:
            self._look(self.pending.popleft())

    def _look(self, taken: Taken) -> None:
        total, norm, *rest = taken.numbers()
        values = [torch.tensor(value, dtype=torch.float64) for value in rest]
        terms = dict(zip(taken.losses.terms, values, strict=False))
        stats = dict(zip(taken.losses.stats, values[len(terms) :], strict=True))
        named = ", ".join(f"{name} {value.item():.4g}" for name, value in terms.items())
        if not math.isfinite(total):
            raise UserError(f"the loss is not finite in step {taken.step}: {named}; {REMEDY}")
        if not math.isfinite(norm) and not self.skips:
            raise UserError(f"the gradient is not finite in step {taken.step}, with {named}; {REMEDY}")
        self.note = self.log(taken.step, Losses(terms, stats), taken.lr, taken.waited)


def on_its_way(values: Tensor) -> Callable[[], list[float]]:
    """Return a function that waits for `values` (n,) and returns them; a GPU sends them when it has them."""
    if values.device.type != "cuda":
        return values.tolist
    here = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    here.copy_(values, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record()

    def waited() -> list[float]:
        arrived.synchronize()
        return here.tolist()

    return waited
