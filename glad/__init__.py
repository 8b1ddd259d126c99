"""GLAD: unsupervised video domain adaptation for action recognition across a large gap.

From Python: `glad.load("runs/glad").predict("clip.mp4")`, `glad.train("mini-glad", "runs/glad")`; parts of a recipe are
imported from where they live, `from glad.recipe import Recipe`. Names here are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glad.api import Trained, load, train
    from glad.data.listing import open_listing
    from glad.data.video import open_video
    from glad.errors import UserError
    from glad.recipes.find import find_recipe

__version__ = "0.1.0"
__all__ = ["Trained", "UserError", "find_recipe", "load", "open_listing", "open_video", "train"]

_HOMES = {
    "Trained": "glad.api",
    "load": "glad.api",
    "train": "glad.api",
    "open_listing": "glad.data.listing",
    "open_video": "glad.data.video",
    "UserError": "glad.errors",
    "find_recipe": "glad.recipes.find",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'glad' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
