"""What runs there are below a folder and how far each has come, from their small files alone: nothing is loaded."""

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

State = Literal["running", "interrupted", "trained", "evaluated", "published", "broken"]
By = Literal["name", "score", "age"]
PACE = re.compile(rb'"step": (\d+),.*?"seconds_per_step": ([-+.eE\d]+)')
TAIL = 2**16  # bytes; a line of a log is far shorter
HEADINGS = ("run", "recipe", "method", "seed", "state", "score %", "95 %", "checkpoint", "age", "minutes")
RIGHT = {"seed", "score %", "age", "minutes"}  # columns of numbers


@dataclass(frozen=True)
class Listed:
    """One run folder.

    Attributes:
        folder: where it is.
        recipe, method, seed: what is trained; None where that cannot be read.
        state: `running`: a process trains there now. `interrupted`: it does not, and steps are left to do. `trained`,
            and `evaluated` after its last step. `published`: fetched by `glad pull`. `broken`: see `problem`.
        step, steps: how many were made, by its log, and of how many; None where nothing says so.
        score, interval: mean class accuracy on the target's test videos and its 95 % interval, in percent.
        select, scored_step: the rule that chose the checkpoint which was scored, and how many steps that had.
        age: seconds since anything was written there.
        minutes: of training, a stage before it included.
        problem: what of it cannot be read.
    """

    folder: Path
    recipe: str | None = None
    method: str | None = None
    seed: int | None = None
    state: State = "broken"
    step: int | None = None
    steps: int | None = None
    score: float | None = None
    interval: tuple[float, float] | None = None
    select: str | None = None
    scored_step: int | None = None
    age: float | None = None
    minutes: float | None = None
    problem: str = ""

    def as_json(self) -> str:
        """Return all of it as one line of JSON."""
        return json.dumps(asdict(self) | {"folder": str(self.folder)}, ensure_ascii=False)

    def cells(self) -> tuple[str, ...]:
        """Return what a table says of it, under HEADINGS."""
        state: str = self.state
        if self.state in ("running", "interrupted"):
            state += f" at {self.step} of {'?' if self.steps is None else self.steps}"
        interval = f"[{self.interval[0]:.1f}, {self.interval[1]:.1f}]" if self.interval else ""
        scored = "" if self.scored_step is None else f"{self.select}, step {self.scored_step}"
        return (
            str(self.folder),
            self.recipe or "",
            self.method or "",
            "" if self.seed is None else str(self.seed),
            state,
            "" if self.score is None else f"{self.score:.1f}",
            interval,
            scored,
            "" if self.age is None else age_of(self.age),
            "" if self.minutes is None else f"{self.minutes:.1f}",
        )


def runs_below(root: Path) -> list[Listed]:
    """Return every run folder at or below `root`, by name; what cannot be read is a broken one."""
    return [listed(folder) if problem is None else Listed(folder, problem=problem) for folder, problem in folders(root)]


def folders(root: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the run folders at or below `root` in order, and folders that cannot be looked into with the reason.

    Links are followed, but into no folder twice. A stage before a run, in its folder, is part of it.
    """
    waiting, been = [root], set()
    while waiting:
        folder = waiting.pop()
        try:
            if (real := os.path.realpath(folder)) in been:
                continue
            been.add(real)
            with os.scandir(folder) as found:
                names = {entry.name: entry.is_dir() for entry in found}
        except OSError as problem:
            yield folder, (problem.strerror or str(problem)).lower()
            continue
        if names.keys() & {"recipe.json", "last.pt", "log.jsonl"}:
            yield folder, None
            continue
        inside = [name for name, is_folder in names.items() if is_folder and not name.startswith(".")]
        waiting += [folder / name for name in sorted(inside, key=natural, reverse=True)]


def listed(folder: Path) -> Listed:
    """Return what the files of a run folder say; one that cannot be read makes it broken, and is named."""
    told: dict[str, Any] = {"age": age_at(folder)}
    try:
        recipe = read(folder / "recipe.json")
        told |= {"recipe": str(recipe["name"]), "method": method_of(recipe), "seed": int(recipe["seed"])}
        step, pass_steps = progress_of(folder / "log.jsonl")
        steps = recipe["steps"] or (pass_steps and recipe["epochs"] * pass_steps)
        told |= {"steps": steps, "minutes": sum(minutes_of(folder / log) for log in ("warmup/log.jsonl", "log.jsonl"))}
        told |= scores_of(folder)
        return Listed(folder, **told, **state_of(folder, step, steps))
    except Unreadable as problem:
        return Listed(folder, **told, problem=str(problem))
    except KeyError as problem:
        return Listed(folder, **told, problem=f"its files do not say {problem}")
    except (TypeError, ValueError, AttributeError):
        return Listed(folder, **told, problem="its files are not those of a run")


def state_of(folder: Path, step: int, steps: int | None) -> dict[str, Any]:
    """Return state and step of a run whose log ends after `step` of `steps` steps."""
    saved = (folder / "last.pt").exists()
    if is_held(folder / ".lock"):
        state = "running"
    elif not saved and (folder / "weights.safetensors").exists():
        return {"state": "published"}
    elif not saved or steps is None or step < steps:
        state = "interrupted"
        step = step if saved else 0  # what was logged is done again
    else:
        state = "evaluated" if evaluated_step(folder) == step else "trained"
    return {"state": state, "step": step}


def is_held(lock: Path) -> bool:
    """Return whether a process holds a lock, by trying to share it for an instant."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none, or it is not ours to look at
        return False
    return False


def scores_of(folder: Path) -> dict[str, Any]:
    """Return score, interval, rule and step of what was scored; nothing where nothing was."""
    if not (folder / "scores.json").exists():
        return {}
    found = read(folder / "scores.json")
    low, high = found["interval"]
    return {
        "score": 100 * found["mean_class_accuracy"],
        "interval": (100 * low, 100 * high),
        "select": found["select"],
        "scored_step": found["step"],
    }


def evaluated_step(folder: Path) -> int | None:
    """Return the step of the last checkpoint when the run was scored, or None."""
    if not (folder / "scores.json").exists():
        return None
    if not (folder / "selection.json").exists():  # scored by an older version, the last checkpoint alone
        return read(folder / "scores.json")["step"]
    return read(folder / "selection.json")["rules"]["last"]


def progress_of(log: Path) -> tuple[int, int | None]:
    """Return after how many steps a log ends, and how many make a pass over the data, if it says so."""
    if not log.exists():
        return 0, None
    with reading(log), log.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - TAIL, 0))
        lines = [line for line in file.read().splitlines(keepends=True) if line.endswith(b"}\n")]
        if not lines:
            return 0, None
        line = json.loads(lines[-1])
        return line["step"], round(line["step"] / line["epoch"])


def minutes_of(log: Path) -> float:
    """Return the minutes of training that the lines of a log add up to."""
    if not log.exists():
        return 0.0
    with reading(log):
        found = [(int(step), float(seconds)) for step, seconds in PACE.findall(log.read_bytes())]
    before = [0, *(step for step, _ in found)]
    return sum((step - first) * seconds for first, (step, seconds) in zip(before, found, strict=False)) / 60


def age_at(folder: Path) -> float | None:
    """Return the seconds since a file of a run was last written."""
    times = []
    for name in ("recipe.json", "log.jsonl", "last.pt", "scores.json", "weights.safetensors", "warmup/log.jsonl"):
        with suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return max(time.time() - max(times), 0.0) if times else None


def method_of(recipe: dict[str, Any]) -> str:
    """Return what a recipe's method is called: the name of its configuration without that word."""
    return str(recipe["method"]["kind"]).rpartition(":")[2].removesuffix("Config")


def read(file: Path) -> dict[str, Any]:
    """Return a JSON file of a run."""
    with reading(file):
        return json.loads(file.read_text(encoding="utf-8"))


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Within this block, which reads `file`, whatever goes wrong is Unreadable."""
    try:
        yield
    except FileNotFoundError:
        raise Unreadable(f"no {file.name}") from None
    except OSError as problem:
        raise Unreadable(f"{file.name} cannot be read: {(problem.strerror or str(problem)).lower()}") from None
    except (ValueError, KeyError, TypeError, ZeroDivisionError):
        raise Unreadable(f"{file.name} is damaged") from None


class Unreadable(Exception):
    """A file of a run folder cannot be read; the message says which and why."""


def ordered(runs: list[Listed], by: By) -> list[Listed]:
    """Return runs by name, by score (the best first) or by age (the latest first); what has none comes last."""
    if by == "name":
        return runs
    worth = {run.folder: run.age if by == "age" else run.score and -run.score for run in runs}
    return sorted(runs, key=lambda run: (worth[run.folder] is None, worth[run.folder] or 0.0))


def text_of(runs: list[Listed]) -> str:
    """Return a table of runs, a line each; behind a broken one stands why."""
    rows = [HEADINGS, *(run.cells() for run in runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row, problem in zip(rows, ["", *(run.problem for run in runs)], strict=True):
        cells = [
            cell.rjust(width) if name in RIGHT else cell.ljust(width)
            for cell, name, width in zip(row, HEADINGS, widths, strict=True)
        ]
        lines.append("  ".join([*cells, problem]).rstrip())
    return "\n".join(lines)


def age_of(seconds: float) -> str:
    """Return a time as a person would say it: in seconds, minutes, hours or days."""
    for unit, length, most in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def natural(name: str) -> list[Any]:
    """Return a key that sorts run2 before run10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
