"""Kinetics→BABEL (section 3 of the paper): GLAD and what it is measured against, at full size.

Data: the four released lists in `data/kinetics2babel/`, frames under `data/k400/rawframes_resized/{train,val}` and
`data/babel`, source medians from `glad prepare backgrounds` under `data/median/k400/train`.

Each recipe exists in three presets (docs/paper.md gives every difference between them and the reasons):
`faithful`, the default and without a suffix: the paper where it is explicit, the release where it is silent;
`-paper`: the text literally; `-release`: what the released configuration would do if it could be imported.
"""

from pathlib import Path
from typing import Literal

from glad.augment import Mix, Spatial
from glad.backbones.r50_i3d import R50I3DConfig
from glad.backbones.tsm import TSMConfig
from glad.data.plan import Pairing
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.recipe import Pair, Recipe, Videos
from glad.sampling import Grid, Ordered, Sampler, Segments

Preset = Literal["faithful", "paper", "release"]

LISTS, K400, BABEL = Path("data/kinetics2babel"), Path("data/k400/rawframes_resized"), Path("data/babel")
KINETICS_BABEL = Pair(
    classes=(
        *("jump", "run", "throw", "kick", "bend", "dance"),
        *("clean_something", "squat", "punch", "crawl", "clap", "pick_up"),
    ),
    source=Videos(list=LISTS / "k400_train.txt", root=K400 / "train"),
    target=Videos(list=LISTS / "babel_train.txt", root=BABEL),
    test=Videos(list=LISTS / "babel_test.txt", root=BABEL),
    backgrounds=Path("data/median/k400/train"),
)
KINETICS_I3D = "weights/i3d_imagenet-pretrained-r50-nl-dot-product_8xb8-32x2x1-100e_kinetics400-rgb.pth"
KINETICS_TSM = "weights/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.pth"

PLAIN = Spatial(short_side=None, crop="none", flip=0.0)
RELEASE_PAIRING = Pairing(short_batches="truncate", target_order="epoch", draws="repeated")


def order_warmup(preset: Preset = "faithful") -> Recipe:
    """Return stage 1: temporal order learning on both domains, no labels (4.2, 5.1)."""
    paper, release = preset == "paper", preset == "release"
    return Recipe(
        name=named("k2b-order", preset),
        about=f"Stage 1 of GLAD, preset {preset}: the order of 3 clips of 8 frames. The loss starts at ln 6 = 1.79.",
        data=KINETICS_BABEL,
        source_views=Ordered(interval=2),
        target_views=Ordered(interval=2 if paper else 1),
        source_pixels=Spatial(crop="none", flip=0.0),
        target_pixels=PLAIN,
        backbone=R50I3DConfig(),
        init=KINETICS_I3D,
        method=OrderConfig(eq7_scale=paper),
        optim=Optim(classifier_lr=1, bias_lr=1, decay_all=True, milestones=(285,) if not paper else ()),
        epochs=500 if paper else 300,
        batch_size=384 * 8 if paper else 18 * 8,
        pairing=RELEASE_PAIRING if release else Pairing(),
    )


def glad(preset: Preset = "faithful") -> Recipe:
    """Return stage 2, GLAD itself, which runs stage 1 first."""
    paper, release = preset == "paper", preset == "release"
    views: Sampler = Segments() if paper else Grid()
    return Recipe(
        name=named("k2b-glad", preset),
        about=f"Table 3, GLAD, preset {preset}. The paper: 33.7 +- 1.8 mean class accuracy, on 8 GPUs of 24 GB.",
        data=KINETICS_BABEL,
        source_views=views,
        target_views=Grid(deterministic=True) if release else views,
        test_views=views,
        mix=Mix(ratio=0.75 if paper else 0.25),
        backbone=R50I3DConfig(),
        method=GladConfig(
            order="off" if release else "local",
            eq7_scale=paper,
            hidden_layers=3 if paper else 4,
            inference="release" if release else "all",
        ),
        optim=Optim(lr=8.75e-4, milestones=(8, 16)) if release else Optim(milestones=(5, 10)),
        epochs=3 if release else 50,
        batch_size=24 * 8 if paper else 4 * 8,
        pairing=RELEASE_PAIRING if release else Pairing(),
        after=order_warmup(preset),
    )


def named(name: str, preset: Preset) -> str:
    """Return the recipe's name, the preset as a suffix unless it is the default."""
    return name if preset == "faithful" else f"{name}-{preset}"


GLAD = glad()
GLAD_PAPER = glad("paper")
GLAD_RELEASE = glad("release")
ORDER = tuple(order_warmup(preset) for preset in ("faithful", "paper", "release"))

SOURCE_ONLY = GLAD.model_copy(
    update={
        "name": "k2b-source-only",
        "about": "Table 3, source only: 11.7 +- 0.7. Our transfer: the paper gives no configuration.",
        "method": SupervisedConfig(),
        "mix": None,
        "after": None,
        "init": KINETICS_I3D,
    }
)
TSM = GLAD.model_copy(
    update={
        "name": "k2b-glad-tsm",
        "about": "Table 2, GLAD on TSM: 37.7 +- 2.5. Our transfer: no TSM configuration was released.",
        "backbone": TSMConfig(),
        "method": GladConfig(classifier_std=0.001),
        "after": order_warmup().model_copy(
            update={"name": "k2b-order-tsm", "backbone": TSMConfig(), "init": KINETICS_TSM}
        ),
    }
)
