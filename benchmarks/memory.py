"""Measures memory, of long lists, of loaders that share them, over many steps: `python benchmarks/memory.py`.

- A list of a million rows: memory that is this process's own, before and after it is read, without PyTorch and with it.
- Loaders: two processes read videos of that list, all over it, for a long time. Memory that they share with
  none is looked at again and again: to read the list must not be to copy it.
- Training: a tiny network on tiny frames for 20,000 steps with one loader process. Memory, open files and Python
  objects are looked at every 2,000 steps, from step 2,000 on.
"""

import gc
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from turns import Row, arguments, record

LIMIT = 300.0  # MB that a list of a million rows may take
Found = dict[str, list[float]]


def owned(process: int | str = "self") -> dict[str, float]:
    """Return MB of a process: RSS, its proportional share (PSS), what is its alone (USS), and batches counted in that.

    Batches travel in memory that several processes see (`glad.data.shared`); all other that is its own, it has copied.
    """
    found = dict.fromkeys(("Rss", "Pss", "USS", "batches"), 0)
    batches = False
    for line in Path(f"/proc/{process}/smaps").read_text(encoding="ascii", errors="replace").splitlines():
        name, _, rest = line.partition(":")
        if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
            batches = line.split()[1].endswith("s")
        elif name in ("Rss", "Pss"):
            found[name] += int(rest.split()[0])
        elif name in ("Private_Clean", "Private_Dirty"):
            found["USS"] += int(rest.split()[0])
            found["batches"] += int(rest.split()[0]) * batches
    mb = {name: kb * 1024 / 1e6 for name, kb in found.items()}
    return {"RSS": mb["Rss"], "PSS": mb["Pss"], "USS": mb["USS"], "copied": mb["USS"] - mb["batches"]}


def children() -> list[int]:
    """Return the processes that this one began and that run."""
    return sorted(int(pid) for pid in Path("/proc/self/task").glob("*/children") for pid in pid.read_text().split())


def listed(folder: str, size: str, torch_too: str) -> dict[str, float]:
    """Return what a list takes in this process, and the most that was taken while it was read."""
    if torch_too == "True":
        import torch  # noqa: F401
    from glad.data.listing import open_listing

    gc.collect()
    before = owned()["USS"]
    peak = most()
    listing = open_listing(Path(folder) / f"{size}.txt", labelled=True, root=Path(folder) / "frames_long")
    gc.collect()
    after = owned()["USS"]
    assert len(listing) == int(size)
    return {"before": before, "list": after - before, "after": after, "reading": most() - peak}


def most() -> float:
    """Return the most MB that this process has taken so far."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def loaded(folder: str, size: str, batches: str) -> Found:
    """Return memory of two loader processes over `batches` batches, and of all three processes together."""
    from growth import opened

    from glad.data.loader import training_batches

    steps = opened(Path(folder), int(size))
    found: Found = {"copied": [], "PSS": [], "all PSS": []}
    last = int(batches)
    looks = {int(step) for step in np.linspace(last / 5, last - 20, 5)}
    for step, _ in enumerate(training_batches(steps, 0, last, workers=2, pin=False)):
        if step in looks:
            each = [owned(pid) for pid in children()]
            found["copied"].append(max(one["copied"] for one in each))
            found["PSS"].append(max(one["PSS"] for one in each))
            found["all PSS"].append(sum(one["PSS"] for one in each) + owned()["PSS"])
    return found


def trained(folder: str, steps: str) -> Found:
    """Train for so many steps; return what was seen every tenth of them, from the first tenth on."""
    import torch

    from glad.backbones.tiny import TinyConfig
    from glad.methods.supervised import SupervisedConfig
    from glad.recipe import Pair, Recipe, Videos
    from glad.runlog import RunLog
    from glad.sampling import Segments
    from glad.training import train

    torch.set_num_threads(1)
    videos = Videos(list=Path(folder) / "list.txt", root=Path(folder) / "frames")
    sampler, pixels = Segments(global_views=1, local_views=0, length=2), small()
    recipe = Recipe(
        name="memory",
        data=Pair(classes=tuple("abcdefgh"), source=videos, target=videos, test=videos),
        source_views=sampler,
        target_views=sampler,
        test_views=sampler,
        source_pixels=pixels,
        target_pixels=pixels,
        backbone=TinyConfig(width=8),
        method=SupervisedConfig(),
        batch_size=2,
        steps=int(steps),
    )
    every = int(steps) // 10
    found: Found = {"RSS": [], "loader": [], "files": [], "objects": []}

    def seen(plain: Callable[..., str]) -> Callable[..., str]:
        def step(log: RunLog, done: int, *given: Any) -> str:
            note = plain(log, done, *given)
            if done % every == 0 and done < int(steps):
                gc.collect()
                found["RSS"].append(owned()["RSS"])
                found["loader"].append(sum(owned(pid)["copied"] for pid in children()))
                found["files"].append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208
                found["objects"].append(len(gc.get_objects()))
            return note

        return step

    with tempfile.TemporaryDirectory() as out, patch.object(RunLog, "step", seen(RunLog.step)):
        train(recipe, Path(out), workers=1)
    return found


def small() -> Any:
    """Return pixels of 16 x 16."""
    from glad.augment import Spatial

    return Spatial(size=16, short_side=None, crop="none")


def alone(job: str, *given: object) -> Any:
    """Return what a job returns that is done in a process of its own."""
    words = [sys.executable, __file__, job, *map(str, given)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    given = arguments(__doc__ or "", steps=20_000)
    from growth import lists
    from sample import made_up

    size, batches, picture = (400, 30, (68, 52)) if given.quick else (1_000_000, 400, (68, 52))
    steps = 50 if given.quick else given.steps
    with tempfile.TemporaryDirectory() as name:
        lists(Path(name), [size], picture)
        made_up(Path(name) / "tiny", 8, 12, (40, 32))
        bare, full = (alone("listed", name, size, torch_too) for torch_too in (False, True))
        shared = alone("loaded", name, size, batches)
        training = alone("trained", Path(name) / "tiny", steps)
    record("memory", rows(size, batches, bare, full, shared, steps, training), quick=given.quick)


def rows(
    size: int, batches: int, bare: dict[str, float], full: dict[str, float], shared: Found, steps: int, training: Found
) -> list[Row]:
    """Return the rows of the table."""
    return [
        Row(
            f"memory of a list of {size:,} rows",
            "300 MB",
            once(LIMIT / full["list"]),
            reach=1.0,
            figures={
                "MB, the list": full["list"],
                "MB, most while it is read": full["reading"],
                "MB, process with it, without PyTorch": bare["after"],
                "MB, process with it and PyTorch": full["after"],
                "MB, process with PyTorch alone": full["before"],
            },
        ),
        Row(
            f"memory of two loader processes on it, over {batches:,} batches",
            "what they took after the first fifth",
            once(shared["copied"][0] / shared["copied"][-1]),
            reach=0.95,
            figures={
                "MB of a loader that it shares with none, five looks": listing(shared["copied"]),
                "MB of a loader with its share of batches, list and libraries (PSS)": listing(shared["PSS"]),
                "MB of all three processes together": listing(shared["all PSS"]),
            },
        ),
        Row(
            f"memory over {steps:,} training steps",
            "what was taken after a tenth of them",
            once(training["RSS"][0] / training["RSS"][-1]),
            reach=0.95,
            figures={
                "MB, nine looks": listing(training["RSS"]),
                "MB of the loader that it shares with none": listing(training["loader"]),
                "open files": listing(training["files"]),
                "Python objects": listing(training["objects"]),
            },
        ),
    ]


def once(ratio: float) -> tuple[float, float, float]:
    """Return a ratio that was measured once."""
    return ratio, ratio, ratio


def listing(values: list[float]) -> str:
    """Return numbers one after another."""
    return " ".join(f"{value:.0f}" for value in values)


if __name__ == "__main__":
    jobs: dict[str, Callable[..., Any]] = {"listed": listed, "loaded": loaded, "trained": trained}
    if sys.argv[1:2] and sys.argv[1] in jobs:
        print(json.dumps(jobs[sys.argv[1]](*sys.argv[2:])))
    else:
        main()
