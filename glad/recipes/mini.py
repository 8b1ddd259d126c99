"""Kinetics→BABEL in miniature: every recipe here runs from nothing on two cores in minutes.

`TABLES` holds the rows of the paper's tables, for `glad table 3`; `CONTROLS` what they would say too much without: DANN
with mixing, GLAD after a warm-up whose order labels are random, mixing of every video. All start from
`glad/mini/init.safetensors`, which is `mini-init` with its batch norms folded away (`make init`): what Kinetics-400
weights are to the paper. No backbone here normalises over a batch (but that of `mini-init`), so that nothing reaches
the action classifier from the other domain but what a loss carries.

The protocol is one for all: batches of 12 labelled videos for 600 steps, the same crops and flips, the same optimiser,
equally many checkpoints to choose from. What a method adds is its own: its clips, its losses, and the order warm-up of
GLAD, whose 500 steps of 24 videos come on top. Not equal is the care they were given: the strength of gradient reversal
and the share of mixed videos, so DANN's and GLAD's settings, were chosen on target test videos of the seeds 10 and 11
(docs/log.md); CoMix and CO2A have the weights of their authors' code, untuned.
"""

from glad.augment import Color, Mix, Spatial
from glad.backbones.small import SmallConfig
from glad.methods.co2a import CO2AConfig
from glad.methods.comix import CoMixConfig
from glad.methods.dann import DannConfig
from glad.methods.glad import Alignment, GladConfig
from glad.methods.order import OrderConfig, OrderHeadConfig
from glad.methods.supervised import SupervisedConfig
from glad.mini.pair import InitPair, MiniPair
from glad.optim import Optim
from glad.recipe import Recipe
from glad.sampling import Nodes, Ordered, Quarters, Segments

VIEWS = Segments(locals_are="adjacent", short="repeat_last")
TRAIN = Spatial(size=32, short_side=None, crop="none", shift=2, shrink="area")
TEST = Spatial(size=32, short_side=None, crop="none", flip=0.0, shrink="area")
OPTIM = Optim(
    optimizer="adamw",
    lr=2e-3,
    weight_decay=1e-2,
    head_lr=2.5,
    classifier_lr=2.5,
    bias_lr=1.0,
    clip_norm=5.0,
    schedule="onecycle",
)
HALF, ALL = Mix(probability=0.5, ratio=0.5), Mix(probability=1.0, ratio=0.5)
STEPS = 600

SOURCE_ONLY = Recipe(
    name="mini-source-only",
    about="Lower bound: the labelled source alone.",
    data=MiniPair.seed(0),
    source_views=VIEWS,
    target_views=VIEWS,
    test_views=VIEWS,
    source_pixels=TRAIN,
    target_pixels=TRAIN,
    test_pixels=TEST,
    backbone=SmallConfig(norm="none"),
    init="glad:mini/init.safetensors",
    method=SupervisedConfig(dropout=0.2, passes="joint"),
    optim=OPTIM,
    steps=STEPS,
    batch_size=12,
    keep=6,
)


def variant(name: str, about: str, **changes: object) -> Recipe:
    """Return the source-only recipe with fields replaced; `views` sets those of all three sets of videos."""
    if views := changes.pop("views", None):
        changes |= {f"{videos}_views": views for videos in ("source", "target", "test")}
    return SOURCE_ONLY.model_copy(update={"name": name, "about": about, **changes})


# The head learns first and fast, on a backbone that stands still; then the backbone follows, slowly, since a faster one
# unlearns what the initial weights know (docs/log.md).
ORDER_HEAD = OrderHeadConfig(dropout=0.0, std=0.05, parts=4, normalise=True)
ORDER_OPTIM = OPTIM.model_copy(update={"lr": 3e-4, "head_lr": 16.0})
ORDERED = Ordered(clips=3, placed="adjacent", short="repeat_last")
ORDER = variant(
    "mini-order",
    "Stage 1 of GLAD: the order of three clips, on both domains, without labels. Chance is 1/6.",
    source_views=ORDERED,
    target_views=ORDERED,
    method=OrderConfig(clips=3, head=ORDER_HEAD, head_first=0.6, mask_overlap=True),
    optim=ORDER_OPTIM,
    steps=500,
    batch_size=24,
    keep=1,
)
RANDOM_ORDER = ORDER.model_copy(
    update={
        "name": "mini-order-random",
        "about": "Control of stage 1: the head is asked for an order that has nothing to do with the one it sees.",
        "method": ORDER.method.model_copy(update={"random_labels": True}),
    }
)
AFTER_ORDER = {"init": None, "after": ORDER}


def adversarial(*align: Alignment, strength: float = 0.3, order: bool = False) -> GladConfig:
    """Return GLAD with these domain classifiers; the order loss of stage 2 on the two local clips, or none."""
    return GladConfig(
        align=align,
        hidden_layers=2,
        hidden=128,
        align_dropout=0.0,
        reversal=strength,
        reversal_schedule="ramp",
        reversal_delay=0.1,
        order="local" if order else "off",
        order_weight=0.3,
        order_head=ORDER_HEAD,
        mask_overlap=True,
        dropout=0.2,
        passes="joint",
    )


GLA = adversarial("global", "local", "cross")
FULL = adversarial("global", "local", "cross", order=True)
DANN = variant(
    "mini-dann",
    "One domain classifier on the consensus of a video's clips.",
    method=DannConfig(
        hidden_layers=2,
        hidden=128,
        align_dropout=0.0,
        reversal=0.1,
        reversal_schedule="ramp",
        reversal_delay=0.1,
        dropout=0.2,
        passes="joint",
    ),
)
GLAD = variant("mini-glad", "GLAD: order warm-up, alignment, mixing, order.", method=FULL, mix=HALF, **AFTER_ORDER)
GLA_MIX = variant("mini-gla-mix", "GLAD without order learning.", method=GLA, mix=HALF)
GLA_ALONE = variant("mini-gla", "Global-local view alignment alone, without debiasing.", method=GLA)

# CoMix trains on the source alone first (3.3 of the specification: 4,000 of 14,000 steps), within the same budget.
COMIX_START = variant(
    "mini-comix-start",
    "The warm start of CoMix: its graph head on the labelled source alone.",
    views=Nodes(),
    method=CoMixConfig(adapt=False),
    steps=170,
    keep=1,
)
COMIX = COMIX_START.model_copy(
    update={
        "name": "mini-comix",
        "about": "CoMix: contrast between two speeds of a video, and mixed and unmixed videos, on a graph of clips.",
        "method": CoMixConfig(),
        "steps": STEPS - 170,
        "keep": 6,
        **{"init": None, "after": COMIX_START},
    }
)
CO2A = variant(
    "mini-co2a",
    "CO2A: contrast between augmentations, clips and domains, by pseudo-labels.",
    views=Quarters(),
    target_pixels=TRAIN.model_copy(update={"color": Color()}),
    method=CO2AConfig(),
)
SUPERVISED_TARGET = variant(
    "mini-supervised-target", "Upper bound: trained on the target's labels.", data=MiniPair.seed(0).upper_bound()
)


def aligned(name: str, *align: Alignment, views: tuple[int, int] = (1, 2)) -> Recipe:
    """Return a row of Table 2a or 2b: mixing, these alignments, and so many global and local clips."""
    sampler = VIEWS.model_copy(update={"global_views": views[0], "local_views": views[1]})
    about = f"Table 2: mixing, alignment of {', '.join(align)}; global and local clips: {views[0]}, {views[1]}."
    return variant(f"mini-{name}-mix", about, method=adversarial(*align), mix=HALF, views=sampler)


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
        "Source only": SOURCE_ONLY,
        "global": aligned("global", "global"),
        "local": aligned("local", "local"),
        "cross": aligned("cross", "cross"),
        "global, local": aligned("global-local", "global", "local"),
        "global, local, cross": GLA_MIX,
    },
    "2b": {
        "1 global": aligned("1g", "global", views=(1, 0)),
        "1 local": aligned("1l", "local", views=(0, 1)),
        "3 global": aligned("3g", "global", views=(3, 0)),
        "2 global, 1 local": aligned("2g1l", "global", "local", "cross", views=(2, 1)),
        "1 global, 2 local": GLA_MIX,
        "3 local": aligned("3l", "local", views=(0, 3)),
    },
    "2c": {
        "no debiasing": GLA_ALONE,
        "mixing": GLA_MIX,
        "order": variant("mini-gla-order", "GLAD without mixing.", method=FULL, **AFTER_ORDER),
        "mixing, order": GLAD,
    },
    "2d": {
        "neither": DANN,
        "debiasing": variant(
            "mini-dann-mix-order",
            "DANN's single classifier in the place of GLAD's three, with mixing and order.",
            method=adversarial("both", strength=0.1, order=True),
            mix=HALF,
            **AFTER_ORDER,
        ),
        "GLA": GLA_ALONE,
        "debiasing, GLA": GLAD,
    },
}

CONTROLS = (
    variant("mini-mix", "Source only, half of its videos mixed with another's background.", mix=HALF),
    variant("mini-mix-all", "Source only, every video mixed with another's background.", mix=ALL),
    variant("mini-dann-mix", "DANN and mixing.", method=DANN.method, mix=HALF),
    variant(
        "mini-glad-random-order",
        "GLAD after a warm-up with random order labels.",
        method=FULL,
        mix=HALF,
        init=None,
        after=RANDOM_ORDER,
    ),
    variant("mini-glad-mix-all", "GLAD with every source video mixed.", method=FULL, mix=ALL, **AFTER_ORDER),
)

INIT = variant(
    "mini-init",
    "Makes the weights the others start from: sixteen other motions, in the style of the source.",
    data=InitPair.at(),
    backbone=SmallConfig(norm="batch"),
    init=None,
    method=SupervisedConfig(dropout=0.0, passes="joint"),
    optim=OPTIM.model_copy(update={"lr": 6e-3, "classifier_lr": 1.0, "head_lr": 1.0}),
    steps=1000,
    batch_size=16,
    keep=1,
)
