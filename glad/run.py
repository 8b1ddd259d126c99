"""A run folder: everything needed to go on, to run again, to score and to predict."""

import fcntl
import json
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from glad import __version__
from glad.errors import UserError
from glad.files import atomic, write_text, writing
from glad.fingerprint import fingerprints
from glad.methods.base import Method
from glad.recipe import Recipe, read_recipe

Checkpoint = dict[str, Any]
PREDICTION = ("backbone", "classifier")  # the children of a method that prediction needs


@dataclass(frozen=True)
class Run:
    """The files of one run, by name."""

    folder: Path

    recipe_file = property(lambda self: self.folder / "recipe.json")
    environment = property(lambda self: self.folder / "environment.json")
    classes_file = property(lambda self: self.folder / "classes.txt")
    log = property(lambda self: self.folder / "log.jsonl")
    last = property(lambda self: self.folder / "last.pt")
    weights = property(lambda self: self.folder / "weights.safetensors")  # of a published run, in the place of last.pt
    predictions = property(lambda self: self.folder / "predictions.jsonl")
    scores = property(lambda self: self.folder / "scores.json")
    selection = property(lambda self: self.folder / "selection.json")
    features = property(lambda self: self.folder / "features.safetensors")
    data = property(lambda self: self.folder / "data.json")
    cost = property(lambda self: self.folder / "cost.json")
    warmup = property(lambda self: Run(self.folder / "warmup"))

    @property
    def published(self) -> bool:
        """Whether it is one that was published: its weights are there, and nothing that training could go on from."""
        return self.weights.exists() and not self.last.exists()

    @property
    def recipe(self) -> Recipe:
        """The resolved recipe."""
        return read_recipe(self.recipe_file)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""
        try:
            return tuple(self.classes_file.read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            raise UserError(f"{self.classes_file}: no such file; is {self.folder} a run folder?") from None

    def begin(self, recipe: Recipe, classes: tuple[str, ...]) -> None:
        """Write what the run is; refuse a folder that holds another one, unless nothing was ever saved there.

        A recipe that could not be read back is refused here, and not when hours of training are to be scored. Of
        parts that are not of this package the files of their code are copied along, into `code/`.
        """
        if self.last.exists():
            differing = difference(self.recipe.model_dump(), recipe.model_dump())
            if differing:
                raise UserError(
                    f"{self.folder} holds a run of another recipe ({differing}); choose another --out or remove it"
                )
            if classes != self.classes:
                raise UserError(
                    f"{self.folder} was trained on the classes {', '.join(self.classes)}, and the data now have "
                    f"{', '.join(classes)}; choose another --out"
                )
            return
        if self.published:
            raise UserError(
                f"{self.folder} holds a published run, which lacks what training goes on from; choose another --out, "
                f"and start from its weights by --init {self.folder}"
            )
        if self.classes_file.exists() and not self.recipe_file.exists():
            raise UserError(f"{self.folder} is no run folder, and its classes.txt would be lost; choose another --out")
        # What an earlier training left, whose last checkpoint is gone, is not of this one.
        scored = (self.predictions, self.scores, self.selection, self.features, self.cost)
        for left in (*scored, *self.folder.glob("kept/*.pt")):
            left.unlink(missing_ok=True)
        recipe.write(self.recipe_file)
        assert read_recipe(self.recipe_file) == recipe, "a recipe that cannot be read back"
        for file in recipe.own_code():
            write_text(self.folder / "code" / file.name, file.read_text(encoding="utf-8"))
        write_text(self.environment, json.dumps(environment(), indent=2) + "\n")
        write_text(self.data, json.dumps(fingerprints(recipe), indent=2) + "\n")
        write_text(self.classes_file, "".join(f"{name}\n" for name in classes))

    @contextmanager
    def locked(self, first: bool = True) -> Iterator[None]:
        """Hold the folder for this training, by the first of its processes; a second training in it is refused."""
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        if not first:
            yield
            return
        with writing(self.folder):
            lock = (self.folder / ".lock").open("w")
        with lock:
            if not taken(lock):
                raise UserError(f"{self.folder}: another process is training here; choose another --out")
            yield

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint; the one before it stays until this one is whole."""
        with atomic(self.last) as temporary, temporary.open("wb") as file:
            torch.save(checkpoint, file)  # a file, not a path: then a full disk is an OSError

    def kept_file(self, step: int) -> Path:
        """Return where the checkpoint after `step` steps is kept to choose from."""
        return self.folder / "kept" / f"{step}.pt"

    def keep(self, method: nn.Module, step: int) -> None:
        """Keep the weights after `step` steps, for a rule to choose from."""
        with atomic(self.kept_file(step)) as temporary, temporary.open("wb") as file:
            torch.save({"method": method.state_dict(), "step": step}, file)

    def checkpoint(self, step: int | None = None, *, mapped: bool = False) -> Checkpoint:
        """Return the last checkpoint, or the one kept after `step`, on the CPU; nothing in it runs.

        Of a published run that is the one which was published, without an optimiser and without the heads of training.
        Tensors that are `mapped` are read from the file when they are used, and not before.
        """
        path = self.last if step is None else self.kept_file(step)
        if step is None and self.published:
            return published_checkpoint(self.weights)
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except FileNotFoundError:
            raise UserError(f"{self.folder}: no checkpoint ({path.name}); train it first with `glad train`") from None
        except Exception as error:
            why = (str(error) or "it is cut short").splitlines()[0].rstrip(".")
            raise UserError(
                f"{path}: cannot be read as a checkpoint ({why}); put a whole one back, or remove it to start over"
            ) from None

    def candidates(self) -> Iterator[tuple[int, Checkpoint]]:
        """Yield the checkpoints to choose from with their steps, in order; the last one is always among them."""
        last = self.checkpoint()
        for step in self.kept_before(last["step"]):
            yield step, self.checkpoint(step)
        yield last["step"], last

    def kept_before(self, last: int) -> tuple[int, ...]:
        """Return the steps before `last` after which a checkpoint was kept."""
        kept = (int(path.stem) for path in self.kept_file(0).parent.glob("*.pt") if path.stem.isdigit())
        return tuple(sorted(step for step in kept if step < last))

    def selected(self) -> Checkpoint:
        """Return the checkpoint that the recipe's rule chooses, which its evaluation wrote down unless it is `last`.

        Raises UserError where there are several to choose from and no evaluation has seen just these.
        """
        rule, last = self.recipe.select, self.checkpoint()
        steps = [*self.kept_before(last["step"]), last["step"]]
        if rule == "last" or len(steps) == 1:
            return last
        found = json.loads(self.selection.read_text(encoding="utf-8")) if self.selection.exists() else None
        if found is None or [one["step"] for one in found["candidates"]] != steps:
            raise UserError(f"{self.folder}: no checkpoint is chosen by '{rule}' yet; run `glad evaluate` on it first")
        if (step := found["rules"][rule]) is None:
            raise UserError(f"{self.folder}: the rule '{rule}' lacks the data to choose by (data.source_val)")
        return last if step == last["step"] else self.checkpoint(step)

    def method(self, checkpoint: Checkpoint | None = None) -> Method:
        """Return the trained method, on the CPU, in evaluation mode; of the last checkpoint unless one is at hand."""
        method = self.recipe.untrained(len(self.classes))
        state = (checkpoint or self.checkpoint())["method"]
        if self.published:  # heads that prediction does not touch stay random
            own = method.state_dict()
            state = {name: own[name] for name in own if name.split(".")[0] not in PREDICTION} | state
        try:
            method.load_state_dict(state)
        except RuntimeError as error:
            if not self.published:
                raise
            why = " ".join(str(error).split())
            raise UserError(
                f"{self.weights} does not fit {self.recipe_file}: {why[:200]}; pull the run again"
            ) from None
        return method.eval()

    def child_state(self, child: str) -> dict[str, torch.Tensor]:
        """Return the trained tensors of a child of the method, say `backbone`, by their names in it."""
        tensors = self.checkpoint()["method"]
        return {name.removeprefix(f"{child}."): t for name, t in tensors.items() if name.startswith(f"{child}.")}

    def truncate_log(self, step: int) -> None:
        """Forget what was logged at or after `step`, which a resumed run will do again."""
        if self.log.exists():
            lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
            write_text(self.log, "".join(line for line in lines if whole(line) and json.loads(line)["step"] <= step))


def published_checkpoint(path: Path) -> Checkpoint:
    """Return the tensors of a published run, and the step that they are of."""
    try:
        with safe_open(path, "pt") as file:
            step = int((file.metadata() or {})["step"])
            return {"method": {name: file.get_tensor(name) for name in file.keys()}, "step": step}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as the weights of a run ({error}); pull the run again") from None


def taken(lock: TextIO) -> bool:
    """Take hold of a lock; return False where another process has it for longer than `glad runs` looks at it."""
    for wait in (0.0, 0.05, 0.2):
        time.sleep(wait)
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def whole(line: str) -> bool:
    """Return whether a line of a log was written to its end."""
    return line.endswith("}\n")


def environment() -> dict[str, Any]:
    """Return what the run ran on: versions, machine, command."""
    names = ("torch", "numpy", "av", "opencv-python-headless", "lightning-fabric")
    return {
        "glad": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or "cpu",
        "packages": {name: metadata.version(name) for name in names},
        "command": ["glad", *sys.argv[1:]],
    }


def difference(old: Any, new: Any, path: str = "") -> str:
    """Return the first place where two nested values differ, as `a.b: 1 is not 2`; empty where they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            found = difference(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
            if found:
                return found
        return ""
    return "" if old == new else f"{path}: {old!r} is not {new!r}"
