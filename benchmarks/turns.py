"""Measures variants of one job in turn, and holds what came out as rows that `docs/performance.md` is made of.

Variants take turns in every round (A B C A B C …), so that what else runs on the machine hits all alike. A ratio is
the median of the ratios within each round, and of the ratios by wall time and by CPU time the lower one is quoted.
"""

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).parents[1] / "docs" / "performance"  # one file of rows for each script and device


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        path: what was measured, say `one training sample from frame folders`.
        peer: what it was measured against, in the same run.
        ratio: how many times faster than the peer, and the lowest and highest of the rounds; None without a peer.
        reach: the ratio it was to reach.
        floor: what no implementation can go below, say `entropy decode of the 22 frames`.
        share: time of the floor divided by ours, 1.0 being as fast as can be; None where no floor was measured.
        share_reach: the share it was to reach.
        figures: what else was measured, by name with its unit.
        note: one sentence on what the numbers mean, or why a goal was not reached.
    """

    path: str
    peer: str = ""
    ratio: tuple[float, float, float] | None = None
    reach: float | None = None
    floor: str = ""
    share: float | None = None
    share_reach: float | None = None
    figures: dict[str, float | str] = field(default_factory=dict)
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether every goal of the row was reached; None where it has none."""
        goals = [(self.ratio[0] if self.ratio else None, self.reach), (self.share, self.share_reach)]
        told = [value is not None and value >= goal for value, goal in goals if goal is not None]
        return all(told) if told else None


@dataclass(frozen=True)
class Times:
    """Seconds of every variant in every round."""

    wall: dict[str, list[float]]
    cpu: dict[str, list[float]]

    def ratio(self, over: str, under: str, *, cpu_only: bool = False) -> tuple[float, float, float]:
        """Return how many times longer `over` takes than `under`: (median, lowest, highest) of the rounds.

        Of wall and CPU time, whichever has the lower median; with `cpu_only`, for goals set in CPU time, of that.
        """
        found = []
        for clock in (self.cpu,) if cpu_only else (self.wall, self.cpu):
            each = sorted(a / b for a, b in zip(clock[over], clock[under], strict=True))
            found.append((median(each), each[0], each[-1]))
        return min(found)

    def seconds(self, name: str) -> float:
        """Return the median wall time of a variant."""
        return median(self.wall[name])

    def cpu_seconds(self, name: str) -> float:
        """Return the median CPU time of a variant, that of its finished child processes included."""
        return median(self.cpu[name])


def take_turns(variants: Mapping[str, Callable[[], object]], rounds: int, warm: bool = True) -> Times:
    """Call every variant once per round, in turn, and return what each call took; with `warm`, after one call of each.

    CPU time counts all threads, and child processes that ended within the call.
    """
    times = Times({name: [] for name in variants}, {name: [] for name in variants})
    for number in range(-1 if warm else 0, rounds):
        for name, job in variants.items():
            wall, cpu = time.perf_counter(), _cpu()
            job()
            if number >= 0:
                times.wall[name].append(time.perf_counter() - wall)
                times.cpu[name].append(_cpu() - cpu)
    return times


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def arguments(script: str, *, files: str = "", **more: object) -> argparse.Namespace:
    """Return the command line all benchmarks share: `--rounds`, `--quick` for a run that shows only that it runs.

    `files` names paths that may be given without an option, say `videos`.
    """
    parser = argparse.ArgumentParser(description=script, formatter_class=argparse.RawDescriptionHelpFormatter)
    if files:
        parser.add_argument(files, nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=7, help="rounds, of which the median is taken")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round, nothing written")
    for name, default in more.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    found = parser.parse_args()
    if found.quick:
        found.rounds = 1
    return found


def record(script: str, rows: list[Row], *, quick: bool) -> None:
    """Print `rows` and, unless `quick`, keep them for the table, with the machine they were measured on."""
    for row in rows:
        print(as_text(row))
    if not quick:
        device = machine()
        RESULTS.mkdir(exist_ok=True)
        file = RESULTS / f"{script}-{'gpu' if device['gpu'] else 'cpu'}.json"
        content = {
            "command": f"python benchmarks/{script}.py",
            "machine": device,
            "rows": [asdict(row) for row in rows],
        }
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def as_text(row: Row) -> str:
    """Return a row as a few lines to read."""
    lines = [f"{row.path}{ {True: ': reached', False: ': NOT reached', None: ''}[row.met] }"]
    if row.ratio is not None:
        goal = "" if row.reach is None else f", to reach {row.reach:g}x"
        lines.append(f"  {row.ratio[0]:.2f}x of {row.peer} [{row.ratio[1]:.2f}, {row.ratio[2]:.2f}]{goal}")
    if row.share is not None:
        goal = "" if row.share_reach is None else f", to reach {100 * row.share_reach:.0f} %"
        lines.append(f"  {100 * row.share:.0f} % of the floor ({row.floor}){goal}")
    for name, value in row.figures.items():
        lines.append(f"  {name}: {value if isinstance(value, str) else f'{value:.4g}'}")
    return "\n".join([*lines, *([f"  {row.note}"] if row.note else [])])


def machine() -> dict[str, str]:
    """Return what a reader must know of the machine: processor, cores, GPU, versions."""
    import torch

    names = Path("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in names.open() if "model name" in line] if names.exists() else []
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "load": f"{os.getloadavg()[0]:.1f}",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
