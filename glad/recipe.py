"""One run as a value: which videos, seen how, by which network, trained by which method, for how long."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, ValidationError, model_validator

from glad.augment import Mix, Spatial
from glad.data.plan import Pairing
from glad.errors import UserError
from glad.files import write_text
from glad.methods.base import Method, MethodConfig
from glad.optim import Optim
from glad.part import Part, kind_of, own_parts
from glad.sampling import Grid, Sampler

RuleName = Literal["last", "source_val", "entropy", "infomax", "snd", "bnm", "class_cluster", "oracle"]


class Videos(Part):
    """Where one set of videos is: `list` is an annotation list, a CSV, or a folder of videos; entries lie under `root`.

    `root` may be a pack of frames; None is the folder of the list, or the folder itself. `labelled` says what the list
    holds: whether its rows end in a label, or the folder is one of class folders. Of a target it must be true as well,
    since rows are read by it (`path 0 54` is a video of 54 frames or of none); its labels are then dropped.
    """

    list: Path
    root: Path | None = None
    labelled: bool = True

    @property
    def folder(self) -> Path:
        """The folder that the list's entries are relative to."""
        if self.root is not None:
            return self.root
        return self.list if self.list.is_dir() else self.list.parent


class Pair(Part):
    """The two domains of a benchmark. Of `target` only the videos are ever read, whatever its list holds.

    Attributes:
        classes: names in label order, the file that lists them, or None: the names of the source's class folders.
        source: labelled training videos.
        target: unlabelled training videos.
        test: labelled target videos; read by evaluation alone.
        source_val: labelled source videos that are held out of training, for the rule `source_val`; may be None.
        backgrounds: folder of the source's temporal medians, from `glad prepare backgrounds`; None where nothing mixes.
        target_backgrounds: the same of the target, for a method that mixes both ways (CoMix).
    """

    classes: Path | tuple[str, ...] | None = None
    source: Videos
    target: Videos
    test: Videos
    source_val: Videos | None = None
    backgrounds: Path | None = None
    target_backgrounds: Path | None = None

    def ensure(self) -> None:
        """Make what can be made and is missing; a benchmark that is generated overrides this."""

    def seeded(self, seed: int) -> Self:
        """Return the pair that goes with a training seed: itself, unless its videos are generated."""
        return self


class Recipe(Part):
    """One run as a value. Two runs of equal recipes on equal machines end in equal weights.

    Attributes:
        name: what the run is called in tables.
        about: the row of the paper, the command, what to expect.
        data: the two domains on disk.
        source_views, target_views, test_views: which frames become clips.
        source_pixels, target_pixels, test_pixels: crop, size and flip.
        mix: background augmentation of the source; None is none.
        backbone: the network: a part whose `build()` returns a `glad.methods.base.Backbone`.
        init: weights the backbone starts from: a public checkpoint, a safetensors file, a run folder, or a file that
            comes with the package, written `glad:mini/init.safetensors`. Where it is given, `after` is not run.
        method: what is trained, and by which losses.
        optim: optimiser and schedule.
        epochs: passes over the source list.
        steps: optimiser steps; overrides `epochs` when given.
        batch_size: videos per domain and step, over all processes together.
        pairing: how the domains' videos follow one another.
        precision: `32-true`, `tf32`, `bf16-mixed` or `16-mixed`. All but the first are for GPUs, and `bf16-mixed` for
            processors that compute in it (docs/performance.md); `tf32` rounds the factors of products to ten bits.
        compile: compile the backbone before the first step, which takes a minute: for GPUs and long trainings.
        after: the recipe that is run first, on the same data and seed, and whose backbone this one starts from.
        keep: how many checkpoints are kept to choose from, evenly spaced over the training, the last among them.
        select: the rule that chooses among them (`glad.selection`). Only `oracle` sees labels of the target.
        seed: of all random draws.
    """

    name: str
    about: str = ""
    data: Pair
    source_views: Sampler = Grid()
    target_views: Sampler = Grid()
    test_views: Sampler = Grid()
    source_pixels: Spatial = Spatial()
    target_pixels: Spatial = Spatial()
    test_pixels: Spatial = Spatial(crop="center", flip=0.0)
    mix: Mix | None = None
    backbone: Part
    init: str | None = None
    method: MethodConfig
    optim: Optim = Optim()
    epochs: PositiveInt = 50
    steps: PositiveInt | None = None
    batch_size: PositiveInt = 32
    pairing: Pairing = Pairing()
    precision: Literal["32-true", "tf32", "bf16-mixed", "16-mixed"] = "32-true"
    compile: bool = False
    after: Part | None = None  # a Recipe; a field of the class's own type would be a cycle to the command line
    keep: PositiveInt = 1
    select: RuleName = "last"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    @model_validator(mode="after")
    def _fits(self) -> "Recipe":
        if self.after is not None and not isinstance(self.after, Recipe):
            raise UserError(f"'after' is the recipe of the stage before, not a {type(self.after).__name__}")
        return self

    def warmup(self) -> "Recipe | None":
        """Return the stage before this one, on this recipe's data and seed; None where `init` stands in for it."""
        if self.init is not None or not isinstance(self.after, Recipe):
            return None
        return self.after.model_copy(update={"data": self.data, "seed": self.seed})

    def untrained(self, num_classes: int) -> Method:
        """Return the method on its backbone, with random weights."""
        backbone: Any = self.backbone
        return self.method.build(backbone.build(), num_classes)

    def kept(self, total: int) -> tuple[int, ...]:
        """Return after which steps of `total` a checkpoint is kept to choose from; the last is `total`."""
        return tuple(sorted({max(total * k // self.keep, 1) for k in range(1, self.keep + 1)}))

    def seeded(self, seed: int) -> Self:
        """Return the recipe with another seed, of the data too where they are generated."""
        return self.model_copy(update={"seed": seed, "data": self.data.seeded(seed)})

    def own_code(self) -> tuple[Path, ...]:
        """Return the Python files that define parts of this recipe which are not of the glad package."""
        kinds = set(re.findall(r'"kind": "([^"]+)"', json.dumps(self.model_dump())))
        modules = (sys.modules.get(part.__module__) for part in own_parts() if kind_of(part) in kinds)
        files = {getattr(module, "__file__", None) for module in modules}  # none of what was typed into a console
        return tuple(sorted(Path(file) for file in files if file))

    def write(self, path: Path) -> None:
        """Write the recipe as JSON."""
        write_text(path, json.dumps(self.model_dump(), indent=2) + "\n")


def init_path(init: str) -> Path:
    """Return the file or folder that `init` names; `glad:` stands for the folder of the package."""
    if init.startswith("glad:"):
        return Path(__file__).parent / init.removeprefix("glad:")
    return Path(init)


def read_recipe(path: Path) -> Recipe:
    """Return the recipe written at `path`; one sentence where it does not fit this version."""
    try:
        return Recipe.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path}: no such file; is {path.parent} a run folder?") from None
    except ValidationError as error:
        raise UserError(f"{path}: {sentence(error)}") from None
    except ValueError as error:
        raise UserError(f"{path}: not a recipe: {error}") from None


def sentence(error: ValidationError) -> str:
    """Return the first fault of a validation error as one sentence: where, what was found, what was expected."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "recipe"
    found = "" if isinstance(first["input"], dict) else f", not {str(first['input'])[:60]!r}"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}{found}"
