"""Your own videos: a labelled folder and an unlabelled one, and a small network whose weights come along.

    glad prepare backgrounds LABELLED --out BACKGROUNDS
    glad train own-glad --out runs/own --data.source.list LABELLED --data.target.list UNLABELLED \\
        --data.test.list TEST --data.backgrounds BACKGROUNDS

The small network at 64 pixels shows within minutes whether data and pipeline are in order. For a result, copy this
file, put `R50I3DConfig()` in place of `SmallConfig(...)` and 224 pixels in both stages, and name pre-trained weights
in the `init` of the first stage (`after`) and of source only.
"""

from pathlib import Path

from glad.augment import Mix, Spatial
from glad.backbones.small import SmallConfig
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig, OrderHeadConfig
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.recipe import Pair, Recipe, Videos
from glad.sampling import Ordered, Segments

VIEWS = Segments(locals_are="adjacent", short="repeat_last")
PIXELS = Spatial(size=64, short_side=72, crop="multiscale", shrink="area")
OPTIM = Optim(optimizer="adamw", lr=2e-3, weight_decay=1e-2, classifier_lr=1.0, clip_norm=5.0, schedule="onecycle")
HEAD = OrderHeadConfig(hidden=128, std=0.01, parts=4, normalise=True)

GLAD = Recipe(
    name="own-glad",
    about="Your own videos: GLAD with a small network. See the head of glad/recipes/own.py.",
    data=Pair(
        source=Videos(list=Path("source")),
        target=Videos(list=Path("target"), labelled=False),
        test=Videos(list=Path("test")),
        backgrounds=Path("backgrounds"),
    ),
    source_views=VIEWS,
    target_views=VIEWS,
    test_views=VIEWS,
    source_pixels=PIXELS,
    target_pixels=PIXELS,
    test_pixels=PIXELS.model_copy(update={"crop": "center", "flip": 0.0}),
    mix=Mix(probability=0.5, ratio=0.5),
    backbone=SmallConfig(),
    method=GladConfig(
        reversal=0.1,
        reversal_schedule="ramp",
        hidden_layers=2,
        hidden=128,
        order_head=HEAD,
        order_weight=0.3,
        mask_overlap=True,
        dropout=0.2,
    ),
    optim=OPTIM,
    epochs=60,
    batch_size=8,
    after=Recipe(
        name="own-order",
        about="Stage 1 of own-glad: the order of clips, on both domains, without labels.",
        data=Pair(
            source=Videos(list=Path("source")), target=Videos(list=Path("target")), test=Videos(list=Path("test"))
        ),
        source_views=Ordered(placed="adjacent", short="repeat_last", interval=1),
        target_views=Ordered(placed="adjacent", short="repeat_last", interval=1),
        source_pixels=PIXELS,
        target_pixels=PIXELS,
        test_pixels=PIXELS.model_copy(update={"crop": "center", "flip": 0.0}),
        backbone=SmallConfig(),
        init="glad:mini/init.safetensors",
        method=OrderConfig(head=HEAD, mask_overlap=True),
        optim=OPTIM,
        epochs=30,
        batch_size=8,
    ),
)
SOURCE_ONLY = GLAD.model_copy(
    update={
        "name": "own-source-only",
        "about": "Your own videos: the same network trained on the labelled ones alone.",
        "method": SupervisedConfig(dropout=0.2),
        "mix": None,
        "init": "glad:mini/init.safetensors",
        "after": None,
    }
)
