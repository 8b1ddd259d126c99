"""How the training process behaves on its machine: its devices and cores, what it does when told to stop."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def fabric_of(devices: int, precision: Any) -> "Fabric":
    """Return what spreads a training over `devices`, computing in a precision of `Recipe`; nothing is launched yet."""
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    # Parameters may rest: the backbone while an order head learns first, a head that no video of a batch is fit for.
    strategy = DDPStrategy(find_unused_parameters=True) if devices > 1 else "auto"
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    given = "32-true" if precision == "tf32" else precision
    return Fabric(accelerator="auto", devices=devices, strategy=strategy, precision=given)


def leave_cores(workers: int) -> None:
    """Compute on the cores that the loaders leave; threads that outnumber cores cost more than they bring."""
    if "OMP_NUM_THREADS" not in os.environ:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(max(1, cores - workers))


def keep_memory() -> bool:
    """Let memory that is freed from now on stay with this process; return whether that can be had (glibc of Linux).

    What a training step frees, the next one takes again. By default the C library hands large blocks back to the
    system at once, which must clear and map every page of them anew: a third of the time of a step on a CPU. What was
    kept before and is not in use is given back first: processes that are forked next would hold on to it.
    """
    trim, mapped_from = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
    try:
        library = ctypes.CDLL(None)
        library.malloc_trim(0)
        return bool(
            library.mallopt(trim, -1) and (library.mallopt(mapped_from, 2**30) or library.mallopt(mapped_from, 2**25))
        )
    except (OSError, AttributeError):
        return False


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
