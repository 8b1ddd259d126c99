"""Kinetics→BABEL (section 3 of the paper): GLAD and what it is measured against, at full size.

Data: the four released lists in `data/kinetics2babel/`, frames under `data/k400/rawframes_resized/{train,val}` and
`data/babel`, source medians from `glad prepare backgrounds` under `data/median/k400/train`.

Each recipe exists in three presets (docs/paper.md gives every difference between them and the reasons):
`faithful`, the default and without a suffix: the paper where it is explicit, the release where it is silent;
`-paper`: the text literally; `-release`: what the released configuration would do if it could be imported.

`TABLES` holds the rows of the paper's tables, for `glad table 3 --benchmark k2b`. The protocol is one for all: 50
passes over the source (as many videos for supervised target), GLAD's crops and flips. Except for
GLAD's none of these configurations was released: each is the official method, transferred by us, CoMix and CO2A with
their authors' clips, optimisers, batches and backbone (docs/methods). With their authors' pixels too they are
`k2b-comix-official` and `k2b-co2a-official`.
"""

from pathlib import Path
from typing import Literal

from glad.augment import Color, Mix, Spatial
from glad.backbones.inception_i3d import InceptionI3DConfig
from glad.backbones.r50_i3d import R50I3DConfig
from glad.backbones.tsm import TSMConfig
from glad.data.plan import Pairing
from glad.methods.co2a import CO2AConfig
from glad.methods.comix import CoMixConfig
from glad.methods.dann import DannConfig
from glad.methods.glad import Alignment, GladConfig
from glad.methods.order import OrderConfig
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.recipe import Pair, Recipe, Videos
from glad.sampling import Grid, Nodes, Ordered, Quarters, Sampler, Segments

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
    source_val=Videos(list=LISTS / "k400_test.txt", root=K400 / "val"),
    backgrounds=Path("data/median/k400/train"),
    target_backgrounds=Path("data/median/babel"),
)
KINETICS_I3D = "weights/i3d_imagenet-pretrained-r50-nl-dot-product_8xb8-32x2x1-100e_kinetics400-rgb.pth"
KINETICS_INCEPTION = "weights/rgb_imagenet.pt"
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
        keep=10,
        after=order_warmup(preset),
    )


def named(name: str, preset: Preset) -> str:
    """Return the recipe's name, the preset as a suffix unless it is the default."""
    return name if preset == "faithful" else f"{name}-{preset}"


GLAD = glad()
GLAD_PAPER = glad("paper")
GLAD_RELEASE = glad("release")
ORDER = tuple(order_warmup(preset) for preset in ("faithful", "paper", "release"))

KINETICS_START = {"after": None, "init": KINETICS_I3D}
TSM_START = {"after": None, "init": KINETICS_TSM, "backbone": TSMConfig()}


def variant(recipe: Recipe, name: str, about: str, **changes: object) -> Recipe:
    """Return `recipe` under another name with fields replaced; `views` sets those of all three sets of videos."""
    if views := changes.pop("views", None):
        changes |= {f"{videos}_views": views for videos in ("source", "target", "test")}
    return recipe.model_copy(update={"name": name, "about": about, **changes})


SOURCE_ONLY = variant(
    GLAD, "k2b-source-only", "Table 3, source only.", method=SupervisedConfig(), mix=None, **KINETICS_START
)
DANN = variant(GLAD, "k2b-dann", "Table 3, DANN.", method=DannConfig(), mix=None, **KINETICS_START)
# As many videos as 50 passes over Kinetics: 23,250 steps of 32. BABEL is a fifth of it, and so its passes are shorter.
SUPERVISED_TARGET = variant(
    SOURCE_ONLY,
    "k2b-supervised-target",
    "Table 3, supervised target: the upper bound, trained on the labels of BABEL.",
    data=KINETICS_BABEL.model_copy(
        update={"source": KINETICS_BABEL.target, "source_val": None, "backgrounds": None, "target_backgrounds": None}
    ),
    optim=Optim(milestones=(25, 50)),
    steps=23_250,
)

COMIX_OPTIM = Optim(
    lr=1e-2,
    backbone_lr=0.1,
    classifier_lr=1.0,
    bias_lr=1.0,
    weight_decay=1e-7,
    decay_all=True,
    clip_norm=0,
    schedule="cosine",
)
INCEPTION_START = {"after": None, "init": KINETICS_INCEPTION, "backbone": InceptionI3DConfig(), "mix": None}


def comix(name: str, about: str, adapt: dict, **changes: object) -> Recipe:
    """Return CoMix after its warm start on the source; `adapt` is what holds for the second stage alone."""
    common = {**INCEPTION_START, "views": Nodes(), "optim": COMIX_OPTIM, "batch_size": 8, "epochs": 14, **changes}
    about_start = f"The warm start of {name}: the labelled source alone."
    first = variant(GLAD, f"{name}-start", about_start, method=CoMixConfig(adapt=False), keep=1, **common)
    return variant(first, name, about, method=CoMixConfig(), init=None, after=first, keep=10, **adapt)


COMIX = comix("k2b-comix", "Table 3, CoMix: 14 epochs on the source, 36 of adaptation.", {"epochs": 36})
COMIX_R50 = comix(
    "k2b-comix-r50",
    "CoMix on the backbone of the others, R50-I3D with non-local blocks.",
    {"epochs": 36},
    backbone=R50I3DConfig(),
    init=KINETICS_I3D,
)
COMIX_OFFICIAL = comix(
    "k2b-comix-official",
    "CoMix with its authors' pixels and steps: squashed to 224, no flip, 4,000 and 10,000 steps.",
    {"steps": 10_000},
    steps=4_000,
    source_pixels=PLAIN,
    target_pixels=PLAIN,
    test_pixels=PLAIN,
)

CO2A = variant(
    GLAD,
    "k2b-co2a",
    "Table 3, CO2A, with the weights of its recipe for Kinetics→NEC-Drone.",
    views=Quarters(),
    target_pixels=Spatial(color=Color()),
    method=CO2AConfig(),
    optim=Optim(
        lr=0.02,
        classifier_lr=1.0,
        bias_lr=1.0,
        weight_decay=1e-9,
        decay_all=True,
        clip_norm=0,
        schedule="cosine",
    ),
    batch_size=16,
    **INCEPTION_START,
)
CO2A_R50 = variant(
    CO2A,
    "k2b-co2a-r50",
    "CO2A on the backbone of the others, R50-I3D with non-local blocks.",
    backbone=R50I3DConfig(),
    init=KINETICS_I3D,
)
CO2A_OFFICIAL = variant(
    CO2A,
    "k2b-co2a-official",
    "CO2A with its authors' pixels and pairs: squashed to 256, random crops of the target alone, fixed pairs.",
    source_pixels=Spatial(square=True, crop="center", flip=0.0),
    target_pixels=Spatial(square=True, crop="random", color=Color()),
    test_pixels=Spatial(square=True, crop="center", flip=0.0),
    backbone=InceptionI3DConfig(normalization="co2a"),
    pairing=Pairing(pairs="fixed"),
)

ORDER_TSM = variant(order_warmup(), "k2b-order-tsm", "Stage 1 of GLAD on TSM.", backbone=TSMConfig(), init=KINETICS_TSM)
TSM = variant(
    GLAD,
    "k2b-glad-tsm",
    "Table 2, GLAD on TSM. Our transfer: no TSM configuration was released.",
    backbone=TSMConfig(),
    method=GladConfig(classifier_std=0.001),
    after=ORDER_TSM,
)


def on_tsm(name: str, about: str, *align: Alignment, order: bool, mix: bool, views: Sampler | None = None) -> Recipe:
    """Return a row of Table 2: these alignments on TSM, with or without order learning and mixing."""
    method = GladConfig(classifier_std=0.001, align=align, order="local" if order else "off")
    start = {"after": ORDER_TSM} if order else TSM_START
    mixing = {} if mix else {"mix": None}
    return variant(TSM, f"k2b-{name}-tsm", about, method=method, views=views or Grid(), **start, **mixing)


def aligned(name: str, *align: Alignment, rows: tuple[int, ...] = (4, 5), columns: tuple[int, ...] = (3,)) -> Recipe:
    """Return a row of Table 2a or 2b: mixing, these alignments; local clips are rows of the grid, global columns."""
    about = f"Table 2: mixing, alignment of {', '.join(align)}; global and local clips: {len(columns)}, {len(rows)}."
    views = Grid(local_rows=rows, global_columns=columns)
    return on_tsm(f"{name}-mix", about, *align, order=False, mix=True, views=views)


GLA: tuple[Alignment, ...] = ("global", "local", "cross")
SOURCE_ONLY_TSM = variant(
    TSM,
    "k2b-source-only-tsm",
    "Table 2, source only on TSM.",
    method=SupervisedConfig(classifier_std=0.001),
    mix=None,
    **TSM_START,
)
GLA_MIX = aligned("gla", *GLA)
GLA_ALONE = on_tsm("gla", "Table 2: global-local view alignment alone.", *GLA, order=False, mix=False)

TABLES = {
    "3": {
        "Source only": SOURCE_ONLY,
        "DANN": DANN,
        "CoMix": COMIX,
        "CO2A": CO2A,
        "GLAD": GLAD,
        "Supervised target": SUPERVISED_TARGET,
    },
    "2a": {
        "Source only": SOURCE_ONLY_TSM,
        "global": aligned("global", "global"),
        "local": aligned("local", "local"),
        "cross": aligned("cross", "cross"),
        "global, local": aligned("global-local", "global", "local"),
        "global, local, cross": GLA_MIX,
    },
    "2b": {
        "1 global": aligned("1g", "global", rows=()),
        "1 local": aligned("1l", "local", rows=(4,), columns=()),
        "3 global": aligned("3g", "global", rows=(), columns=(2, 3, 4)),
        "2 global, 1 local": aligned("2g1l", *GLA, rows=(4,), columns=(3, 4)),
        "1 global, 2 local": GLA_MIX,
        "3 local": aligned("3l", "local", rows=(3, 4, 5), columns=()),
    },
    "2c": {
        "no debiasing": GLA_ALONE,
        "mixing": GLA_MIX,
        "order": on_tsm("gla-order", "Table 2: GLAD on TSM without mixing.", *GLA, order=True, mix=False),
        "mixing, order": TSM,
    },
    "2d": {
        "neither": variant(
            SOURCE_ONLY_TSM, "k2b-dann-tsm", "Table 2, DANN on TSM.", method=DannConfig(classifier_std=0.001)
        ),
        "debiasing": on_tsm("dann-mix-order", "Table 2: DANN, mixing and order on TSM.", "both", order=True, mix=True),
        "GLA": GLA_ALONE,
        "debiasing, GLA": TSM,
    },
}
