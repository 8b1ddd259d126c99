"""Times the start: the command itself, and from a list to the first batch and step: `python benchmarks/startup.py`.

Both domains of the training are one list, of 10,000, 100,000 or 1,000,000 videos, which lead, each under a name of its
own, to a few real frame folders, and have a background each; GLAD with mixing and two loader processes, at 224 pixels,
on a tiny network. Seconds count from the start of the process; the floor is a Python that imports PyTorch and nothing
else.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from turns import Row, arguments, record

HELP, FIRST = 1.0, 5.0  # seconds that are the goal


def first_steps(folder: str, size: str, begun: str) -> None:
    """Train one step in this process, which was begun at a time; print when what happened."""
    from growth import recipe_of

    import glad.training

    imported, first = time.time(), 0.0
    plain = glad.training.training_batches

    def watched(*given: Any, **more: Any) -> Iterator[Any]:
        nonlocal first
        for batch in plain(*given, **more):
            first = first or time.time()
            yield batch

    glad.training.training_batches = watched
    with tempfile.TemporaryDirectory() as out:
        glad.training.train(recipe_of(Path(folder), int(size)), Path(out), workers=2, stop_after=1)
        last = time.time()
    said = {"import": imported, "first batch": first, "first step, saved": last}
    found = {name: moment - float(begun) for name, moment in said.items()}
    print(json.dumps(found))


def command(*words: str) -> Callable[[], dict[str, float]]:
    """Return what runs a command and returns the seconds it took."""

    def run() -> dict[str, float]:
        begun = time.time()
        subprocess.run(words, check=True, capture_output=True)
        return {"seconds": time.time() - begun}

    return run


def trained(folder: Path, size: int) -> Callable[[], dict[str, float]]:
    """Return what trains a step in a fresh process and returns the moments that it told."""

    def run() -> dict[str, float]:
        words = [sys.executable, __file__, "first", str(folder), str(size), repr(time.time())]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        return json.loads(done.stdout.splitlines()[-1])

    return run


def main() -> None:
    given = arguments(__doc__ or "")
    from growth import SIZES, lists

    sizes, picture = ((400, 800), (68, 52)) if given.quick else (SIZES, (340, 256))
    script = Path(sys.executable).parent / "glad"
    with tempfile.TemporaryDirectory() as name:
        lists(Path(name), sizes, picture)
        jobs = {
            "python": command(sys.executable, "-c", "pass"),
            "torch": command(sys.executable, "-c", "import torch"),
            "help": command(str(script), "--help"),
            **{f"{size:,}": trained(Path(name), size) for size in sizes},
        }
        found: dict[str, list[dict[str, float]]] = {name: [] for name in jobs}
        for number in range(0 if given.quick else -1, given.rounds):
            for name, job in jobs.items():
                one = job()
                if number >= 0:
                    found[name].append(one)
    record("startup", rows(found), quick=given.quick)


def rows(found: dict[str, list[dict[str, float]]]) -> list[Row]:
    """Return the rows of the table."""

    def of(name: str, what: str = "seconds") -> float:
        return median(one[what] for one in found[name])

    def against(goal: float, name: str, what: str) -> tuple[float, float, float]:
        each = sorted(goal / one[what] for one in found[name])
        return median(each), each[0], each[-1]

    lengths = [name for name in found if name not in ("python", "torch", "help")]
    return [
        Row(
            "start-up: glad --help",
            "one second",
            against(HELP, "help", "seconds"),
            reach=1.0,
            floor="an empty Python",
            share=of("python") / of("help"),
            figures={"s": of("help"), "s, an empty Python": of("python")},
        ),
        *(
            Row(
                f"start-up: first batch, lists of {name} rows",
                "five seconds",
                against(FIRST, name, "first batch"),
                reach=1.0,
                floor="import torch",
                share=of("torch") / of(name, "first batch"),
                figures={
                    "s, import torch": of("torch"),
                    "s, import glad.training": of(name, "import"),
                    "s, first batch": of(name, "first batch"),
                    "s, first step and its checkpoint": of(name, "first step, saved"),
                },
            )
            for name in lengths
        ),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["first"]:
        first_steps(*sys.argv[2:])
    else:
        main()
