"""The weights a backbone starts from: the stage before, a run, a public checkpoint, or none."""

from pathlib import Path
from typing import Any

from glad.backbones.weights import load_backbone, load_state
from glad.methods.base import Backbone
from glad.recipe import Recipe
from glad.run import Run


def initial_backbone(recipe: Recipe, run: Run) -> Backbone:
    """Return the recipe's backbone with the weights it starts from.

    The stage before (`after`), trained in the run's own folder, comes first; then `init`; then random weights.
    """
    config: Any = recipe.backbone
    backbone = config.build()
    if recipe.after is not None:
        load_state(backbone, run.warmup.backbone_state(), str(run.warmup.folder))
    elif recipe.init is not None:
        path = init_path(recipe.init)
        if path.is_dir():
            load_state(backbone, Run(path).backbone_state(), str(path))
        else:
            load_backbone(backbone, path)
    return backbone


def init_path(init: str) -> Path:
    """Return the file or folder that `init` names; `glad:` stands for the folder of the package."""
    if init.startswith("glad:"):
        return Path(__file__).parent / init.removeprefix("glad:")
    return Path(init)
