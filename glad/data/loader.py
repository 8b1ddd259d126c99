"""The loader that brings the videos of a step, and those of an evaluation."""

import signal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from glad.batch import Batch, Clips
from glad.data.domain import Domain, Room, fresh
from glad.data.plan import SOURCE, TARGET, Plan
from glad.data.shared import Parcel, Shared
from glad.errors import UserError

AHEAD = 2  # batches that a worker is ahead of the training, at most
FORKED = sys.platform == "linux"  # elsewhere workers begin anew, and see no memory of this process


@dataclass(frozen=True)
class Steps(Dataset[Batch]):
    """Training batches by step number. A labelled source, and a target without labels or none at all.

    `again` brings the target's frames under a second draw as well.
    """

    plan: Plan
    source: Domain
    target: Domain | None
    again: bool = False

    def __getitem__(self, step: int) -> Batch:
        return self.made(step, fresh)

    def size(self) -> int:
        """Return the bytes that the pixels of one step take, at most."""
        rows = -(-self.plan.batch_size // self.plan.world)
        target = 0 if self.target is None else self.target.size(rows, 1 + self.again)
        return self.source.size(rows, 1) + target

    def made(self, step: int, room: Room) -> Batch:
        """Return the batch of a step, its pixels in `room`."""
        (source,), labels = self.source.clips(self.plan.sources(step), 1, room)
        target, again = None, None
        if self.target is not None:
            (target, *more), _ = self.target.clips(self.plan.targets(step), 1 + self.again, room)
            again = more[0] if more else None
        if self.plan.pairing.draws == "repeated":
            # Crops and flips repeat from pass to pass; what a method draws, the order of clips, never does.
            for domain, clips in ((SOURCE, source), (TARGET, target)):
                if clips is not None:
                    clips.draw = torch.from_numpy(self.plan.method_draws(domain, step, len(clips)))
        return Batch(source, torch.tensor(labels), target, again, self.plan.step_draw(step))


@dataclass(frozen=True)
class Videos(Dataset[tuple[Clips, list[int]]]):
    """Evaluation batches: consecutive videos of one domain, with their indices."""

    domain: Domain
    batch_size: int
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[Clips, list[int]]:
        return self.made(number, fresh)

    def size(self) -> int:
        """Return the bytes that the pixels of one batch take, at most."""
        return self.domain.size(self.batch_size, 1)

    def made(self, number: int, room: Room) -> tuple[Clips, list[int]]:
        """Return evaluation batch `number`, its pixels in `room`."""
        chosen = self.indices[number * self.batch_size : (number + 1) * self.batch_size]
        (clips,), _ = self.domain.clips([(index, None) for index in chosen], 1, room)
        return clips, list(chosen)


def training_batches(steps: Steps, first: int, last: int, workers: int, pin: bool) -> Iterator[Batch]:
    """Yield the batches of steps `first` to `last` - 1, in order, prepared by `workers` processes (0: by this one)."""
    yield from _loader(steps, range(first, last), workers, pin)


def evaluation_batches(videos: Videos, workers: int) -> Iterator[tuple[Clips, list[int]]]:
    """Yield the clips of all videos once, in order, with their indices."""
    yield from _loader(videos, range(len(videos)), workers, pin=False)


def videos_one_by_one(domain: Domain, workers: int) -> Iterator[Clips | UserError]:
    """Yield the clips of each video alone, in order, or why it cannot be read, which stops none of the others."""
    videos = Videos(domain, 1, tuple(range(len(domain))))
    for item in _loaded(videos, range(len(videos)), workers, pin=False):
        yield item if isinstance(item, UserError) else item[0]


def _loader(dataset: Steps | Videos, numbers: Iterable[int], workers: int, pin: bool) -> Iterator[Any]:
    for item in _loaded(dataset, numbers, workers, pin):
        if isinstance(item, UserError):
            raise item
        yield item


def _loaded(dataset: Steps | Videos, numbers: Iterable[int], workers: int, pin: bool) -> Iterator[Any]:
    """Yield the batch of each number, or the UserError that it ended in."""
    if workers:
        cv2.setNumThreads(1)  # here, before the fork: a worker could not end the threads of a pool it was born with
    # In use at once: what is under way, what is being used, and what is next. Who holds more batches gets them still,
    # in memory of their own.
    shared = Shared(workers * AHEAD + 2, dataset.size()) if workers and FORKED else None
    loader = DataLoader(
        _Told(dataset, shared),
        sampler=_orders(numbers, shared),
        batch_size=None,
        num_workers=workers,
        pin_memory=pin,
        worker_init_fn=_begin_worker,
        prefetch_factor=AHEAD if workers else None,
        multiprocessing_context="fork" if workers and FORKED else None,
    )
    for item in loader:
        yield item.open() if isinstance(item, Parcel) else item


def _orders(numbers: Iterable[int], shared: Shared | None) -> Iterator[tuple[int, int | None]]:
    """Yield each number as it is asked for, with the part of shared memory that its batch shall lie in."""
    for number in numbers:
        yield number, None if shared is None else shared.lend()


@dataclass(frozen=True)
class _Told(Dataset):
    """A dataset whose user errors are values: raised in a worker, they would arrive wrapped in its traceback."""

    dataset: Steps | Videos
    shared: Shared | None

    def __getitem__(self, order: tuple[int, int | None]) -> Any:
        number, part = order
        try:
            if self.shared is None or part is None:
                return self.dataset[number]
            return self.shared.packed(part, self.dataset.made(number, self.shared.room(part)))
        except UserError as problem:
            return problem


def _begin_worker(worker: int) -> None:
    """One thread a worker; Ctrl-C is for the training process, which ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
