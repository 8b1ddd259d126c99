"""Where one can watch a run besides its log: TensorBoard, Weights & Biases, or nowhere."""

import importlib
import importlib.util
import json
import os
import secrets
from collections.abc import Mapping
from typing import Literal, Protocol, get_args

import numpy as np

from glad.errors import UserError
from glad.files import write_text, writing
from glad.run import Run

BoardName = Literal["tensorboard", "wandb", "none"]


class Board(Protocol):
    """What takes in how a run goes."""

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show numbers by their names, as of `step`."""

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        """Show a picture (h, w, 3) uint8, as of `step`."""

    def close(self, good: bool) -> None:
        """Write what is still to be written; the training ended well or, not `good`, before its end."""


def check_board(name: BoardName) -> None:
    """Refuse a board that is not installed, before anything is trained."""
    assert name in get_args(BoardName), name
    if name == "wandb" and importlib.util.find_spec("wandb") is None:
        raise UserError('--log wandb needs Weights & Biases, which is not installed: pip install "glad[wandb]"')


def board_of(name: BoardName, run: Run, first: int) -> Board:
    """Return the board of a run that goes on after `first` steps; it already shows recipe, classes and environment."""
    return {"tensorboard": TensorBoard, "wandb": WeightsAndBiases, "none": Nowhere}[name](run, first)


class TensorBoard:
    """Events under `RUN/tensorboard`; what an earlier call wrote beyond the `first` steps is forgotten there."""

    def __init__(self, run: Run, first: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.folder = run.folder / "tensorboard"
        with writing(self.folder):
            self.writer = SummaryWriter(str(self.folder), purge_step=first + 1)
        for name, text in about(run).items():
            self.writer.add_text(name, f"```\n{text.rstrip()}\n```", first)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        self.writer.add_image(name, pixels, step, dataformats="HWC")

    def close(self, good: bool) -> None:
        self.writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases, which a resumed training goes on with; its files are under `RUN/wandb`.

    The project is `glad` unless WANDB_PROJECT names another; WANDB_MODE=offline keeps everything on this machine.
    """

    def __init__(self, run: Run, first: int) -> None:
        self.wandb = wandb = importlib.import_module("wandb")
        (run.folder / "wandb").mkdir(parents=True, exist_ok=True)
        ident = run.folder / "wandb" / "id"
        if not (first and ident.exists()):
            write_text(ident, secrets.token_hex(4))
        told = {name: _parsed(text) for name, text in about(run).items()}
        try:
            self.run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "glad"),
                name=str(run.folder),
                id=ident.read_text(encoding="utf-8"),
                dir=str(run.folder),
                resume="allow",
                config=told,
                settings=wandb.Settings(console="off"),  # a progress bar is no log
            )
        except wandb.Error as problem:
            why = (str(problem) or "it did not say why").splitlines()[0].rstrip(".")
            raise UserError(
                f"Weights & Biases did not begin ({why}); log in by `wandb login`, set WANDB_MODE=offline to keep all "
                "on this machine, or choose another --log"
            ) from None
        # Its own count only goes up; by ours, what is done again after an interruption stands where it belongs.
        self.run.define_metric("step")
        self.run.define_metric("*", step_metric="step")

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        self.run.log({**values, "step": step})

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        self.run.log({name: self.wandb.Image(pixels), "step": step})

    def close(self, good: bool) -> None:
        self.run.finish(exit_code=0 if good else 1)


class Nowhere:
    """The log alone."""

    def __init__(self, run: Run, first: int) -> None:
        pass

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        pass

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        pass

    def close(self, good: bool) -> None:
        pass


def about(run: Run) -> dict[str, str]:
    """Return what a run is, by name: recipe, environment, classes, each as the text of its file where it is there."""
    files = {"recipe": run.recipe_file, "environment": run.environment, "classes": run.classes_file}
    return {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.exists()}


def _parsed(text: str) -> object:
    """Return a JSON text as what it says, and any other one as its lines."""
    return json.loads(text) if text.startswith("{") else text.splitlines()
