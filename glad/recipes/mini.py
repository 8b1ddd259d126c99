"""Kinetics→BABEL in miniature: every recipe here runs from nothing on two cores in minutes.

The rows of the paper's tables, and the controls without which they would say too much: DANN with mixing, GLAD after a
warm-up whose order labels are random, mixing of every video. `make results` runs them over seeds, the README has what
came out. All start from `glad/mini/init.safetensors`, which is `mini-init` with its batch norms folded away (`make
init`): what Kinetics-400 weights are to the paper. No backbone here normalises over a batch (but that of `mini-init`),
so that nothing reaches the action classifier from the other domain but what a loss carries.
"""

from glad.augment import Mix, Spatial
from glad.backbones.small import SmallConfig
from glad.methods.glad import Alignment, GladConfig
from glad.methods.order import OrderConfig, OrderHeadConfig
from glad.methods.supervised import SupervisedConfig
from glad.mini.pair import InitPair, MiniPair
from glad.optim import Optim
from glad.recipe import Recipe
from glad.sampling import Ordered, Segments

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
    about="Lower bound: the labelled source alone. Paper (I3D): 11.7.",
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
)


def variant(name: str, about: str, **changes: object) -> Recipe:
    """Return the source-only recipe with fields replaced."""
    return SOURCE_ONLY.model_copy(update={"name": name, "about": about, **changes})


def adversarial(*align: Alignment, strength: float, order: bool = False) -> GladConfig:
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
)
RANDOM_ORDER = variant(
    "mini-order-random",
    "Control of stage 1: the head is asked for an order that has nothing to do with the one it sees.",
    source_views=ORDERED,
    target_views=ORDERED,
    method=ORDER.method.model_copy(update={"random_labels": True}),
    optim=ORDER_OPTIM,
    steps=500,
    batch_size=24,
)

DANN = adversarial("both", strength=0.1)
GLA = adversarial("global", "local", "cross", strength=0.3)
FULL = adversarial("global", "local", "cross", strength=0.3, order=True)

TABLE = (
    variant("mini-dann", "One domain classifier on the consensus of a video's clips. Paper: 29.3.", method=DANN),
    variant("mini-gla", "Global-local view alignment alone, without debiasing. Paper (TSM): 26.9.", method=GLA),
    variant("mini-mix", "Source only, half of its videos mixed with another's background.", mix=HALF),
    variant("mini-dann-mix", "Control: DANN and mixing.", method=DANN, mix=HALF),
    variant("mini-gla-mix", "GLAD without order learning. Paper (TSM): 29.6.", method=GLA, mix=HALF),
    variant(
        "mini-glad-random-order",
        "Control: GLAD after a warm-up with random order labels.",
        method=FULL,
        mix=HALF,
        init=None,
        after=RANDOM_ORDER,
    ),
    variant(
        "mini-glad",
        "GLAD: order warm-up, alignment, mixing, order. Paper: 33.7.",
        method=FULL,
        mix=HALF,
        init=None,
        after=ORDER,
    ),
    variant("mini-mix-all", "Source only, every video mixed with another's background.", mix=ALL),
    variant("mini-glad-mix-all", "GLAD with every source video mixed.", method=FULL, mix=ALL, init=None, after=ORDER),
    variant(
        "mini-supervised-target",
        "Upper bound: trained on the target's labels. Paper: 76.7.",
        data=MiniPair.seed(0).upper_bound(),
        steps=400,
    ),
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
)
