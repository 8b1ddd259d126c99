"""How the training process behaves on its machine: which cores it takes, what it does when told to stop."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def leave_cores(workers: int) -> None:
    """Compute on the cores that the loaders leave; threads that outnumber cores cost more than they bring."""
    if "OMP_NUM_THREADS" not in os.environ:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(max(1, cores - workers))


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Collect the first Ctrl-C or SIGTERM in a list, for the loop to see between two steps; a second one kills."""
    seen: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]

    def restore() -> None:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)

    def note(number: int, frame: object) -> None:
        seen.append(number)
        restore()

    try:
        for number in numbers:
            signal.signal(number, note)
        yield seen
    finally:
        restore()
