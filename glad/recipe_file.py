"""The recipe file of a new project, as text: every setting in plain sight, with what it is for."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BackboneName = Literal["small", "r50-i3d", "inception-i3d", "tsm"]


@dataclass(frozen=True)
class Network:
    """A backbone that a project can start with, and the settings that go with it.

    Attributes:
        module, config: where its configuration is, and the call that makes it.
        size, short_side: pixels.
        weights: what it starts from when the user names nothing; None is random weights.
        order, method, optim: the calls that make the two methods and the optimiser.
        heads: an extra line before the recipes, which those calls use.
    """

    module: str
    config: str
    size: int
    short_side: int
    weights: str | None
    order: str
    method: str
    optim: str
    dropout: float
    heads: str = ""


SMALL_METHOD = """GladConfig(
        reversal=0.1,  # how hard features of both domains are made alike
        reversal_schedule="ramp",  # from 0 at the start to nearly all of it at the end
        hidden_layers=2,
        hidden=128,
        order_head=HEAD,
        order_weight=0.3,
        mask_overlap=True,  # clips that share frames are not asked for their order
        dropout=0.2,
    )"""
LARGE_METHOD = """GladConfig(
        reversal=1.0,  # how hard features of both domains are made alike
        reversal_schedule="ramp",  # from 0 at the start to nearly all of it at the end
        mask_overlap=True,  # clips that share frames are not asked for their order
    )"""
SMALL_OPTIM = """Optim(
    optimizer="adamw", lr=2e-3, weight_decay=1e-2, classifier_lr=1.0, clip_norm=5.0, schedule="onecycle"
)"""
LARGE_OPTIM = """Optim(optimizer="sgd", lr={lr:g}, schedule="cosine")  # 2e-3 for a batch of 32, in proportion"""
LARGE = {"order": "OrderConfig(mask_overlap=True)", "method": LARGE_METHOD, "optim": LARGE_OPTIM, "dropout": 0.5}

NETWORKS: dict[BackboneName, Network] = {
    "small": Network(
        "small",
        "SmallConfig()",
        64,
        72,
        "glad:mini/init.safetensors",
        "OrderConfig(head=HEAD, mask_overlap=True)",
        SMALL_METHOD,
        SMALL_OPTIM,
        0.2,
        "HEAD = OrderHeadConfig(hidden=128, std=0.01, parts=4, normalise=True)  # tells the order of clips\n",
    ),
    "r50-i3d": Network("r50_i3d", "R50I3DConfig()", 224, 256, None, **LARGE),
    "inception-i3d": Network("inception_i3d", "InceptionI3DConfig()", 224, 256, None, **LARGE),
    "tsm": Network("tsm", "TSMConfig()", 224, 256, None, **LARGE),
}


@dataclass(frozen=True)
class Sizes:
    """What depends on the machine and on how many videos there are.

    Attributes:
        size: side of the picture, in pixels.
        interval: frames from one frame of a dense clip to the next.
        batch_size, order_steps, steps, precision: of training; `order_steps` are those of stage 1.
    """

    size: int
    interval: int
    batch_size: int
    order_steps: int
    steps: int
    precision: str


@dataclass(frozen=True)
class Settings:
    """What a recipe file says, besides what belongs to its network.

    Attributes:
        name: of the recipe; source only adds its own ending.
        classes: in label order.
        source, target, test: lists or folders; `test=None` names a folder that is yet to come.
        target_labelled: whether the rows of the target's list end in labels (which are dropped).
        backgrounds: folder.
        network: a name in NETWORKS.
        weights: what the first stage and source only start from, or None.
        sizes: what suits the machine.
        found: comment lines about the videos and the machine.
        source_root, target_root, test_root: where the paths of a list start; None is the folder of the list.
    """

    name: str
    classes: tuple[str, ...]
    source: Path
    target: Path
    test: Path | None
    target_labelled: bool
    backgrounds: Path
    network: BackboneName
    weights: str | None
    sizes: Sizes
    found: tuple[str, ...] = ()
    source_root: Path | None = None
    target_root: Path | None = None
    test_root: Path | None = None


def recipe_text(settings: Settings, folder: Path) -> str:
    """Return the Python file of `settings` that is to lie in `folder`; paths below that hold wherever it is moved."""
    s, network = settings, NETWORKS[settings.network]
    config = network.config.partition("(")[0]
    short_side = round(s.sizes.size * network.short_side / network.size)
    optim = network.optim.format(lr=2e-3 * s.sizes.batch_size / 32)
    head = ", OrderHeadConfig" if network.heads else ""
    where = "" if s.weights else "  # random weights: name a file of public weights here (docs/backbones.md)"
    labelled = "" if s.target_labelled else ", labelled=False"
    test = s.test or folder / "test"
    yet = "" if s.test else "  # there is none yet: one folder of videos a class, of the target"
    found = "\n".join(f"# {' '.join(line.split())}" for line in s.found)
    return f'''"""{s.name}: GLAD from labelled videos to unlabelled ones, and source only, which it is compared with.

Written by `glad init`, and yours to change: every line is a setting. What each means says `glad train FILE --help`;
any of them can be set for one run on the command line, as in `glad train FILE --optim.lr 1e-3 --out runs/other`.
"""

from pathlib import Path

from glad.augment import Mix, Spatial
from glad.backbones.{network.module} import {config}
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig{head}
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.recipe import Pair, Recipe, Videos
from glad.sampling import Ordered, Segments

HERE = Path(__file__).resolve().parent  # so that the recipe works from any folder

{found}
DATA = Pair(
    classes={classes_text(s.classes)},
    source=Videos(list={place(s.source, folder)}{root(s.source_root, folder)}),
    target=Videos(list={place(s.target, folder)}{root(s.target_root, folder)}{labelled}),
    test=Videos(list={place(test, folder)}{root(s.test_root, folder)}),{yet}
    backgrounds={place(s.backgrounds, folder)},  # what stands still in each source video
)
PIXELS = Spatial(size={s.sizes.size}, short_side={short_side}, crop="multiscale", shrink="area")
TEST_PIXELS = PIXELS.model_copy(update={{"crop": "center", "flip": 0.0}})
# One clip over the whole video and two of neighbouring frames; a video shorter than a clip holds its last frame.
VIEWS = Segments(length=8, interval={s.sizes.interval}, locals_are="adjacent", short="repeat_last")
# Stage 1: three clips, one after the other.
ORDERED = Ordered(length=8, interval=1, placed="adjacent", short="repeat_last")
BACKBONE = {network.config}
INIT = {quoted(s.weights) if s.weights else None}{where}
OPTIM = {optim}
{network.heads}
ORDER = Recipe(
    name={quoted(f"{s.name}-order")},
    about="Stage 1: the order of clips, on both domains, without labels.",
    data=DATA,
    source_views=ORDERED,
    target_views=ORDERED,
    source_pixels=PIXELS,
    target_pixels=PIXELS,
    test_pixels=TEST_PIXELS,
    backbone=BACKBONE,
    init=INIT,
    method={network.order},
    optim=OPTIM,
    steps={s.sizes.order_steps},
    batch_size={s.sizes.batch_size},
    precision={quoted(s.sizes.precision)},
)
GLAD = Recipe(
    name={quoted(s.name)},
    about="GLAD: the source's labels, features of both domains alike, backgrounds mixed, the order of clips.",
    data=DATA,
    source_views=VIEWS,
    target_views=VIEWS,
    test_views=VIEWS,
    source_pixels=PIXELS,
    target_pixels=PIXELS,
    test_pixels=TEST_PIXELS,
    mix=Mix(probability=0.5, ratio=0.5),  # half of the source videos, half and half with another's background
    backbone=BACKBONE,
    method={network.method},
    optim=OPTIM,
    steps={s.sizes.steps},
    batch_size={s.sizes.batch_size},  # videos of each domain in a step
    precision={quoted(s.sizes.precision)},
    after=ORDER,
)
SOURCE_ONLY = GLAD.model_copy(
    update={{
        "name": {quoted(f"{s.name}-source-only")},
        "about": "The same network trained on the labelled videos alone.",
        "method": SupervisedConfig(dropout={network.dropout}),
        "mix": None,
        "init": INIT,
        "after": None,
    }}
)
'''


def place(path: Path, folder: Path) -> str:
    """Return `path` as an expression of the recipe file in `folder`: from HERE where it lies below, else in full."""
    path, folder = Path(os.path.normpath(path.absolute())), Path(os.path.normpath(folder.absolute()))
    if path.is_relative_to(folder):
        return f"HERE / {quoted(str(path.relative_to(folder)))}"
    return f"Path({quoted(str(path))})"


def root(path: Path | None, folder: Path) -> str:
    """Return the argument that names where the paths of a list start; nothing where that is its own folder."""
    return "" if path is None else f", root={place(path, folder)}"


def classes_text(classes: tuple[str, ...]) -> str:
    """Return a tuple of class names as an expression, in lines that are not too long."""
    one = f"({', '.join(map(quoted, classes))})"
    return one if len(one) <= 90 else "(\n" + "".join(f"        {quoted(name)},\n" for name in classes) + "    )"


def quoted(text: str) -> str:
    """Return `text` as a string of Python, in double quotes where that needs no escapes."""
    found = repr(text)
    return f'"{found[1:-1]}"' if found[0] == "'" and '"' not in found else found
