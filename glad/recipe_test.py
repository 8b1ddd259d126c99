"""A recipe reads back as it was written, and what does not fit is refused in one sentence."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from glad.augment import Mix, Spatial
from glad.backbones.tiny import TinyConfig
from glad.data.plan import Pairing
from glad.errors import UserError
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig, OrderHeadConfig
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.recipe import Pair, Recipe, Videos, read_recipe
from glad.sampling import Grid, Ordered, Segments

PAIR = Pair(
    classes=("a", "b"),
    source=Videos(list=Path("lists/source.txt"), root=Path("frames")),
    target=Videos(list=Path("lists/target.txt"), labelled=False),
    test=Videos(list=Path("lists/test.txt")),
    backgrounds=Path("median"),
)
WARMUP = Recipe(
    name="order",
    data=PAIR,
    source_views=Ordered(interval=2),
    target_views=Ordered(interval=1),
    source_pixels=Spatial(crop="none", flip=0.0),
    backbone=TinyConfig(width=4),
    method=OrderConfig(head=OrderHeadConfig(hidden=8)),
    optim=Optim(classifier_lr=1, bias_lr=1, decay_all=True),
    epochs=300,
)
RECIPE = Recipe(
    name="all",
    about="Every field is something else than its default.",
    data=PAIR,
    source_views=Segments(local_views=3),
    target_views=Grid(deterministic=True),
    test_views=Segments(),
    source_pixels=Spatial(size=32, short_side=None),
    mix=Mix(ratio="uniform"),
    backbone=TinyConfig(width=4),
    init="glad:mini/init.safetensors",
    method=GladConfig(align=("both",), order="off"),
    optim=Optim(schedule="cosine", milestones=()),
    steps=7,
    batch_size=4,
    pairing=Pairing(short_batches="truncate"),
    precision="bf16-mixed",
    after=WARMUP,
    seed=5,
)


@pytest.mark.parametrize("recipe", [RECIPE, WARMUP, RECIPE.model_copy(update={"mix": None, "after": None})])
def test_a_recipe_reads_back_as_it_was_written(recipe, tmp_path):
    recipe.write(tmp_path / "run" / "recipe.json")
    read = read_recipe(tmp_path / "run" / "recipe.json")
    assert read == recipe
    assert type(read.method) is type(recipe.method) and type(read.source_views) is type(recipe.source_views)
    assert type(read.after) is type(recipe.after)
    assert read.data.source.list == Path("lists/source.txt") and read.data.classes == ("a", "b")
    assert read.method.build(read.backbone.build(), 2) is not None  # pyright: ignore[reportAttributeAccessIssue]


def test_what_is_written_says_every_value():
    written = json.loads(json.dumps(RECIPE.model_dump()))
    assert written["kind"] == "glad.recipe:Recipe"
    assert written["method"]["kind"] == "glad.methods.glad:GladConfig" and written["method"]["align"] == ["both"]
    assert written["after"]["kind"] == "glad.recipe:Recipe" and written["after"]["epochs"] == 300
    assert written["mix"] == {"kind": "glad.augment:Mix", "probability": 0.25, "ratio": "uniform"}
    assert set(written) == {"kind", *Recipe.model_fields}


def test_the_stage_before_runs_on_this_recipe_s_data_and_seed():
    other = PAIR.model_copy(update={"classes": ("x",)})
    recipe = RECIPE.model_copy(update={"data": other, "seed": 9, "init": None})
    assert recipe.warmup() == WARMUP.model_copy(update={"data": other, "seed": 9})
    assert WARMUP.warmup() is None
    assert recipe.model_copy(update={"init": "weights.pth"}).warmup() is None  # these stand in for it


def test_only_a_recipe_can_come_before():
    with pytest.raises(ValidationError, match="'after' is the recipe of the stage before, not a Optim"):
        Recipe(name="x", data=PAIR, backbone=TinyConfig(), method=SupervisedConfig(), after=Optim())


def test_where_videos_lie(tmp_path):
    assert Videos(list=tmp_path).folder == tmp_path
    assert Videos(list=tmp_path / "train.csv").folder == tmp_path
    assert Videos(list=tmp_path / "train.csv", root=Path("frames")).folder == Path("frames")


def changed(tmp_path: Path, **fields: object) -> Path:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(RECIPE.model_dump() | fields))
    return path


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"epoch": 3}, "Recipe has no field 'epoch'; did you mean 'epochs'?"),
        ({"optim": {"learning": 1}}, "optim: Optim has no field 'learning'; known fields: optimizer, lr"),
        ({"epochs": "many"}, "epochs: Input should be a valid integer"),
        ({"precision": "fp8"}, "precision: Input should be '32-true', 'tf32', 'bf16-mixed' or '16-mixed', not 'fp8'"),
        (
            {"method": {"kind": "os:system"}},
            "'os:system' is no part of the glad package, and a recipe in JSON runs no code",
        ),
        ({"method": {"kind": "glad.optim:Optim"}}, "Optim stands where a MethodConfig is expected"),
        ({"source_views": {"length": 8}}, "there are several kinds of Sampler"),
        ({"after": {"kind": "glad.methods.old:Old"}}, "this version of glad has no part 'glad.methods.old:Old'"),
        ({"data": {"kind": "glad.recipe:Pair"}}, "source: Field required"),
    ],
)
def test_a_fault_is_one_sentence_that_names_file_and_field(fields, sentence, tmp_path):
    path = changed(tmp_path, **fields)
    with pytest.raises(UserError) as refused:
        read_recipe(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert sentence in str(refused.value)
    assert not set("\n{") & set(str(refused.value)) and "pydantic" not in str(refused.value)


def test_a_file_that_is_no_recipe_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no such file; is .* a run folder"):
        read_recipe(tmp_path / "recipe.json")
    (tmp_path / "recipe.json").write_text("{half")
    with pytest.raises(UserError, match=r"no such file; is .* a run folder"):
        read_recipe(tmp_path / "recipe.json" / "recipe.json")
    with pytest.raises(UserError, match=r"recipe\.json: not a recipe"):
        read_recipe(tmp_path / "recipe.json")
    (tmp_path / "recipe.json").write_text("[1]")
    with pytest.raises(UserError, match=r"recipe\.json: "):
        read_recipe(tmp_path / "recipe.json")
    (tmp_path / "recipe.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"recipe\.json: not a recipe"):
        read_recipe(tmp_path / "recipe.json")
