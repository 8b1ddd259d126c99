"""Times GLAD's samples on their way through the loader against a plain one: `python benchmarks/loader.py`.

The peer is a plain `DataLoader` of as many workers over samples in the official order (restated in `sample.py`): 64
frames in floating point, collated, of which the release picks the views inside its model. Ours are the training's own
loader and batches. Both are timed in the steady state: each turn begins a loader, passes over the batches that were
prepared while nobody waited, and then counts; CPU time is that of this process and its workers. Where there is a GPU,
batches are counted when they are in page-locked memory, else when they are in this process's memory.

Beside it: the official order with the views picked before they travel; our samples through the plain loader, in bytes;
and threads in this process instead of workers.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from sample import apart, drawn, made_up, official, picked, source_domain
from torch.utils.data import DataLoader, Dataset
from turns import Row, Times, arguments, record

from glad.batch import Clips
from glad.data.domain import Domain
from glad.data.loader import AHEAD, Steps, training_batches
from glad.data.plan import Plan

SIZE = (340, 256)
BATCH = 4
PIN = torch.cuda.is_available()
ENDLESS = 10**9
Loader = Callable[[int], Iterator[Any]]  # workers in, batches out


class Samples(Dataset):
    """Samples one by one, for a plain `DataLoader` to collate."""

    def __init__(self, domain: Domain, made: Callable[[Domain, int, tuple[int, ...]], object]) -> None:
        self.domain, self.made = domain, made

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, number: int) -> object:
        return self.made(self.domain, number % len(self.domain), (0, 0, 1, number))


def official_frames(domain: Domain, index: int, address: tuple[int, ...]) -> torch.Tensor:
    """Return the 64 frames of a sample as the release's loader does."""
    return official(drawn(domain, index, address, SIZE))


def official_views(domain: Domain, index: int, address: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """Return the views of a sample alone."""
    return {name: view.clone() for name, view in picked(official_frames(domain, index, address)).items()}


def our_views(domain: Domain, index: int, address: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return our sample in bytes."""
    return domain.sample(index, address).views


def plain(domain: Domain, made: Callable[[Domain, int, tuple[int, ...]], object]) -> Loader:
    """Return the plain loader of samples that are `made` in this way."""
    return lambda workers: iter(
        DataLoader(
            Samples(domain, made), BATCH, num_workers=workers, pin_memory=PIN, worker_init_fn=one_thread, drop_last=True
        )
    )


def one_thread(worker: int) -> None:
    """Let OpenCV and torch be one thread in a worker, as ours are."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def ours(domain: Domain) -> Loader:
    """Return the training's loader."""
    steps = Steps(Plan(len(domain), 0, BATCH, 0), domain, None)
    return lambda workers: training_batches(steps, 0, ENDLESS, workers, PIN)


def threads(domain: Domain) -> Loader:
    """Return batches that threads of this process make."""
    plan = Plan(len(domain), 0, BATCH, 0)

    def made(step: int) -> Clips:
        (clips,), _ = domain.clips(plan.sources(step))
        return clips.map(torch.Tensor.pin_memory) if PIN else clips

    def batches(workers: int) -> Iterator[Clips]:
        with ThreadPoolExecutor(workers) as pool:
            ahead = [pool.submit(made, step) for step in range(2 * workers)]
            for step in count(2 * workers):
                yield ahead.pop(0).result()
                ahead.append(pool.submit(made, step))

    return batches


def seconds(loader: Loader, workers: int, passed: int, counted: int) -> tuple[float, float]:
    """Return wall and CPU seconds a sample, over `counted` batches after `passed`."""
    batches = loader(workers)
    for _ in islice(batches, passed):
        pass
    wall, cpu = time.perf_counter(), cpu_seconds()
    for _ in islice(batches, counted):
        pass
    found = time.perf_counter() - wall, cpu_seconds() - cpu
    del batches
    return found[0] / counted / BATCH, found[1] / counted / BATCH


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that are alive."""
    ticks = 0
    for process in multiprocessing.active_children():
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def compared(loaders: dict[str, Loader], workers: int, counted: dict[str, int], rounds: int) -> Times:
    """Let the loaders take turns."""
    times = Times({name: [] for name in loaders}, {name: [] for name in loaders})
    for _ in range(rounds):
        for name, loader in loaders.items():
            # Ours begins once all of the memory that it lends again and again was lent once.
            passed = workers if name.startswith("official") else (AHEAD * workers + 2)
            wall, cpu = seconds(loader, workers, passed, counted[name] * workers)
            times.wall[name].append(wall)
            times.cpu[name].append(cpu)
    return times


def main() -> None:
    found = arguments(__doc__ or "")
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        listing = made_up(Path(folder), *((4, 40) if found.quick else (6, 250)), SIZE)
        domain = source_domain(Path(folder), listing)
        same_as_official(domain)
        loaders = {
            "official": plain(domain, official_frames),
            "ours": ours(domain),
            "official, views": plain(domain, official_views),
            "ours, plain": plain(domain, our_views),
            "threads": threads(domain),
        }
        quick = dict.fromkeys(loaders, 1)
        counted = quick if found.quick else {name: 4 if name.startswith("official") else 16 for name in loaders}
        for workers in (2, 1):
            shown = loaders if workers == 2 else {name: loaders[name] for name in ("official", "ours")}
            times = compared(shown, workers, counted, found.rounds)
            rows.append(row(times, workers))
    record("loader", rows, quick=found.quick)


def same_as_official(domain: Domain) -> None:
    """Assert that what is compared is the same, and that our loader brings the samples that it is asked for."""
    assert max(apart(domain, i, (0, 0, 1, i), SIZE) for i in range(len(domain))) <= 2
    plan = Plan(len(domain), 0, BATCH, 0)
    (expected,), _ = domain.clips(plan.sources(0))
    batch = next(ours(domain)(1))
    assert all(torch.equal(batch.source.views[name].cpu(), view) for name, view in expected.views.items())


def row(times: Times, workers: int) -> Row:
    """Return the row of so many workers."""
    figures: dict[str, float | str] = {
        "samples/s": 1 / times.seconds("ours"),
        "samples/s of the peer": 1 / times.seconds("official"),
        "CPU ms a sample, all processes": 1000 * times.cpu_seconds("ours"),
        "CPU ms a sample of the peer": 1000 * times.cpu_seconds("official"),
    }
    others = {
        "official, views": "x of the peer with the views picked before they travel",
        "ours, plain": "x of our samples through the plain loader",
        "threads": f"x of {workers} threads of this process",
    }
    figures |= {told: times.ratio(name, "ours")[0] for name, told in others.items() if name in times.wall}
    return Row(
        f"GLAD samples through the loader, {workers} worker{'s' if workers > 1 else ''}",
        "a plain DataLoader over the official order, float",
        times.ratio("official", "ours"),
        reach=8.0 if workers == 2 else None,
        figures=figures,
        note=f"Batches are counted when they are in {'page-locked' if PIN else 'this process’s'} memory"
        f"{'.' if PIN else ', there being no GPU to lock pages for.'}",
    )


if __name__ == "__main__":
    main()
