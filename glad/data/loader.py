"""Which videos meet in which step, and the loader that brings them: everything follows from the step's number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from glad.batch import Batch, Clips
from glad.data.domain import Domain, collated, labels_of
from glad.errors import UserError
from glad.part import Part

SOURCE, TARGET = 1, 0  # the domains, as numbers in the address of a random draw
ORDER, AUGMENT = 0, 1  # what is drawn


class Order(Part):
    """How the videos of the two domains follow one another. The defaults are ours; `release` values repeat its quirks.

    Attributes:
        short_batches: `drop` an epoch's incomplete last batch and let the target run on from pass to pass, or, as
            the release, keep short batches and `truncate` the other domain to match.
        target_order: a fresh permutation for every pass over the target, or one for the whole source epoch.
        draws: augmentation drawn afresh for every pass, or repeated from pass to pass by position in it.
    """

    short_batches: Literal["drop", "truncate"] = "drop"
    target_order: Literal["pass", "epoch"] = "pass"
    draws: Literal["fresh", "repeated"] = "fresh"


Entry = tuple[int, tuple[int, ...]]  # a video's index, and the address of its random draws


@dataclass(frozen=True)
class Plan:
    """The videos of every step, as a pure function of its number.

    An epoch is one pass over the source. `batch_size` counts videos per domain over all `world` processes, of which
    this one, `rank`, takes a contiguous share.
    """

    source: int
    target: int
    batch_size: int
    seed: int
    order: Order = Order()
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if self.batch_size % self.world:
            raise UserError(
                f"a batch of {self.batch_size} videos cannot be shared by {self.world} processes; "
                "choose a --batch-size that is a multiple"
            )
        if self.source < self.batch_size and self.order.short_batches == "drop":
            raise UserError(
                f"the source list has {self.source} videos, fewer than one batch of {self.batch_size}; "
                "lower --batch-size"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Steps in one pass over the source."""
        drop = self.order.short_batches == "drop"
        return self.source // self.batch_size if drop else -(-self.source // self.batch_size)

    def sources(self, step: int) -> list[Entry]:
        """Return the source videos of a step that this process takes."""
        epoch, position = divmod(step, self.steps_per_epoch)
        return self._share(self._pass(SOURCE, epoch, position * self.batch_size, self.batch_size), step)

    def targets(self, step: int) -> list[Entry]:
        """Return the target videos of a step that this process takes; the target starts over when it is used up."""
        if self.order.short_batches == "drop":
            found: list[Entry] = []
            start = step * self.batch_size
            while len(found) < self.batch_size:
                number, position = divmod(start + len(found), self.target)
                found += self._pass(TARGET, number, position, self.batch_size - len(found))
            return self._share(found, step)
        epoch, position = divmod(step, self.steps_per_epoch)
        batches = -(-self.target // self.batch_size)
        passes = -(-self.steps_per_epoch // batches)
        number, position = epoch * passes + position // batches, position % batches
        return self._share(self._pass(TARGET, number, position * self.batch_size, self.batch_size), step)

    def _pass(self, domain: int, number: int, start: int, count: int) -> list[Entry]:
        """Return up to `count` entries from `start` on of pass `number` over a domain."""
        size = self.source if domain == SOURCE else self.target
        shuffle = self._epoch_of(number) if domain == TARGET and self.order.target_order == "epoch" else number
        indices = _permutation(self.seed, domain, shuffle, size)[start : start + count]
        if self.order.draws == "fresh":
            return [(int(i), (self.seed, AUGMENT, domain, number, int(i))) for i in indices]
        return [(int(i), (self.seed, AUGMENT, domain, start + k)) for k, i in enumerate(indices)]

    def _epoch_of(self, target_pass: int) -> int:
        """Return the source epoch in which a pass over the target begins."""
        if self.order.short_batches == "drop":
            return target_pass * self.target // self.batch_size // self.steps_per_epoch
        batches = -(-self.target // self.batch_size)
        return target_pass // -(-self.steps_per_epoch // batches)

    def _share(self, entries: list[Entry], step: int) -> list[Entry]:
        """Return this rank's part of a step's entries; a short batch is cut so that both domains have equally many."""
        if self.order.short_batches == "truncate":
            entries = entries[: self._shortest(step)]
        each = len(entries) // self.world
        return entries[self.rank * each : (self.rank + 1) * each]

    def _shortest(self, step: int) -> int:
        """Return how many videos of each domain the release keeps in a step."""
        position = step % self.steps_per_epoch
        source = min(self.batch_size, self.source - position * self.batch_size)
        if not self.target:
            return source
        batches = -(-self.target // self.batch_size)
        return min(source, self.batch_size, self.target - position % batches * self.batch_size)


@lru_cache(maxsize=8)
def _permutation(seed: int, domain: int, number: int, size: int) -> np.ndarray:
    return np.random.default_rng((seed, ORDER, domain, number)).permutation(size)


@dataclass(frozen=True)
class Steps(Dataset[Batch]):
    """Training batches by step number. A labelled source, and a target without labels or none at all."""

    plan: Plan
    source: Domain
    target: Domain | None

    def __getitem__(self, step: int) -> Batch:
        source = [self.source.sample(*entry) for entry in self.plan.sources(step)]
        target = None
        if self.target is not None:
            target = collated([self.target.sample(*entry) for entry in self.plan.targets(step)])
        return Batch(collated(source), labels_of(source), target)


@dataclass(frozen=True)
class Videos(Dataset[tuple[Clips, list[int]]]):
    """Evaluation batches: consecutive videos of one domain, with their indices."""

    domain: Domain
    batch_size: int
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[Clips, list[int]]:
        chosen = self.indices[number * self.batch_size : (number + 1) * self.batch_size]
        return collated([self.domain.sample(i, None) for i in chosen]), list(chosen)


def training_batches(steps: Steps, first: int, last: int, workers: int, pin: bool) -> Iterator[Batch]:
    """Yield the batches of steps `first` to `last` - 1, in order, prepared by `workers` processes (0: by this one)."""
    yield from _loader(steps, range(first, last), workers, pin)


def evaluation_batches(videos: Videos, workers: int) -> Iterator[tuple[Clips, list[int]]]:
    """Yield the clips of all videos once, in order, with their indices."""
    yield from _loader(videos, range(len(videos)), workers, pin=False)


def _loader(dataset: Dataset, numbers: Iterable[int], workers: int, pin: bool) -> DataLoader:
    return DataLoader(
        dataset,
        sampler=numbers,
        batch_size=None,
        num_workers=workers,
        pin_memory=pin,
        worker_init_fn=_one_thread,
        prefetch_factor=4 if workers else None,
    )


def _one_thread(worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
