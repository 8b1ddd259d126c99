"""What the machine at hand can do: cores, memory, GPU."""

import os
from dataclasses import dataclass

_GIB = 2**30


@dataclass(frozen=True)
class Machine:
    """A machine: cores this process may use, GiB of memory, the GPU's name and GiB (None: no GPU)."""

    cores: int
    memory: float
    gpu: str | None = None
    gpu_memory: float = 0.0

    def __str__(self) -> str:
        cores = f"{self.cores} core{'s' if self.cores > 1 else ''}, {self.memory:.0f} GiB of memory"
        return f"{cores}, {f'{self.gpu} with {self.gpu_memory:.0f} GiB' if self.gpu else 'no GPU'}"

    @property
    def workers(self) -> int:
        """Processes that should load videos: one on a small machine, half the cores on a larger one, 8 at most."""
        return max(1, min(self.cores // 2, 8))


def machine_at_hand() -> Machine:
    """Return the machine that this process runs on."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB
    if not torch.cuda.is_available():
        return Machine(cores, memory)
    return Machine(cores, memory, torch.cuda.get_device_name(), torch.cuda.get_device_properties(0).total_memory / _GIB)
