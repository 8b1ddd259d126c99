"""The weights a method starts from: the stage before, a run, a public checkpoint, or none."""

from typing import Any

from glad.backbones.weights import load_backbone, load_state
from glad.errors import UserError
from glad.methods.base import Backbone, Method
from glad.progress import say
from glad.recipe import Recipe, init_path
from glad.run import Run


def initial_backbone(recipe: Recipe, run: Run) -> Backbone:
    """Return the recipe's backbone with the weights it starts from.

    They come from `init`, else from the stage before, trained in the run's own folder, else they are random. A run
    that goes on has its own in the checkpoint, and reads nothing here.
    """
    config: Any = recipe.backbone
    return config.build() if run.last.exists() else starting_backbone(recipe, run)


def starting_backbone(recipe: Recipe, run: Run) -> Backbone:
    """Return the recipe's backbone with the weights it starts from, however far the run has gone since."""
    config: Any = recipe.backbone
    backbone = config.build()
    if recipe.warmup() is not None:
        load_state(backbone, run.warmup.child_state("backbone"), str(run.warmup.folder))
    elif recipe.init is not None:
        path = init_path(recipe.init)
        if path.is_dir():
            load_state(backbone, Run(path).child_state("backbone"), str(path))
        else:
            report = load_backbone(backbone, path)
            left = f"; left out: {', '.join(report.dropped)}" if report.dropped else ""
            say(f"backbone: {report.loaded} tensors of {report.origin} ({report.layout}){left}")
    return backbone


def inherit(method: Method, recipe: Recipe, run: Run) -> None:
    """Give `method` the heads that it inherits from the stage before, or from the run that `init` names."""
    heads = [name for name in method.inherits if name != "backbone"]
    if run.last.exists() or not heads:
        return
    before = run.warmup if recipe.warmup() is not None else Run(init_path(recipe.init)) if recipe.init else None
    if before is None or not before.folder.is_dir():
        return
    for name in heads:
        child = method.get_submodule(name)
        try:
            child.load_state_dict(before.child_state(name))
        except RuntimeError:
            raise UserError(
                f"{before.folder}: its {name} does not fit that of {recipe.name}, which goes on from it; give both "
                "stages the same method (what --method sets, --after.method must set too)"
            ) from None
