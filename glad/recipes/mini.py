"""Kinetics→BABEL in miniature: every recipe here runs from nothing on two cores in minutes."""

from glad.augment import Spatial
from glad.backbones.small import SmallConfig
from glad.methods.supervised import SupervisedConfig
from glad.mini.pair import MiniPair
from glad.optim import Optim
from glad.recipe import Recipe
from glad.sampling import Segments

VIEWS = Segments(locals_are="adjacent", short="repeat_last")
TRAIN = Spatial(size=32, short_side=None, crop="none", shift=2, shrink="area")
TEST = Spatial(size=32, short_side=None, crop="none", flip=0.0, shrink="area")
SOURCE_ONLY = Recipe(
    name="mini-source-only",
    data=MiniPair.seed(0),
    source_views=VIEWS,
    target_views=VIEWS,
    test_views=VIEWS,
    source_pixels=TRAIN,
    target_pixels=TRAIN,
    test_pixels=TEST,
    backbone=SmallConfig(norm="none"),
    init="glad:mini/init.safetensors",
    method=SupervisedConfig(dropout=0.2),
    optim=Optim(
        optimizer="adamw",
        lr=2e-3,
        weight_decay=1e-2,
        head_lr=2.5,
        classifier_lr=2.5,
        bias_lr=1.0,
        clip_norm=5.0,
        schedule="onecycle",
    ),
    steps=400,
    batch_size=12,
)
