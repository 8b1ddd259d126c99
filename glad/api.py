"""The toolkit from Python: `glad.load("runs/glad").predict("clip.mp4")`, `glad.train(recipe, "runs/glad")`."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from glad.errors import UserError
from glad.recipe import Recipe
from glad.recipes.find import find_recipe
from glad.run import Run

if TYPE_CHECKING:
    from glad.data.held import Source
    from glad.metrics import Scores
    from glad.predict import Prediction, Predictor


class Trained:
    """A trained run: what it was, how well it does, and what it says of videos.

    Attributes:
        run: its folder.
        recipe: the run as a value.
        classes: the names of its k classes, in label order.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.recipe, self.classes = run, run.recipe, run.classes

    def __repr__(self) -> str:
        return f"<{self.recipe.name}, {len(self.classes)} classes, in {self.run.folder}>"

    @cached_property
    def predictor(self) -> "Predictor":
        """The network in memory, loaded at its first use."""
        from glad.predict import Predictor

        return Predictor(self.run)

    def predict(self, video: "Source", *, top: int = 5) -> "Prediction":
        """Return the `top` most probable classes of a video file, a folder of frames, or frames (t, h, w, 3) uint8 RGB.

        Raises UserError where the video cannot be read.
        """
        return self.predictor.predict(video, top=top)

    def predict_all(self, videos: "Sequence[Source]", *, top: int = 5, workers: int = 0) -> "list[Prediction]":
        """Return `predict` of each video, in the order given; `workers` processes load them."""
        return list(self.predictor.predict_all(videos, top=top, workers=workers))

    def evaluate(self, *, workers: int = 2) -> "Scores":
        """Return the scores on the labelled target test videos, and write them into the run folder."""
        from glad.evaluate import evaluate

        return evaluate(self.run, workers=workers)


def load(folder: str | Path) -> Trained:
    """Return the run in `folder`, which `glad train` or `glad pull` wrote; UserError where there is none."""
    run = Run(Path(folder))
    if not run.recipe_file.is_file():
        raise UserError(f"{run.folder} is not a run folder: it holds no {run.recipe_file.name}")
    return Trained(run)


def train(recipe: Recipe | str, out: str | Path | None = None, *, workers: int = 2, devices: int = 1) -> Trained:
    """Train a recipe, or go on where an earlier call stopped, and return the run.

    Args:
        recipe: a recipe, or what `glad train` takes for one: a name, `file.py`, `file.py:name`, a `recipe.json`.
        out: the run folder; None is runs/NAME by the name of the recipe.
        workers: processes that load videos; 0 loads in this one. With workers a script needs `if __name__ ==
            "__main__":` around what it does.
        devices: processes that train, one a GPU.
    """
    from glad.training import train as trained

    recipe = find_recipe(recipe) if isinstance(recipe, str) else recipe
    return Trained(trained(recipe, Path(out or Path("runs") / recipe.name), workers=workers, devices=devices))
