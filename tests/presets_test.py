"""docs/paper.md tells the truth: its switches exist, and its table of presets is what the recipes hold."""

import re
from functools import reduce
from pathlib import Path

import pytest

from glad.augment import Spatial
from glad.backbones.r50_i3d import R50I3DConfig
from glad.part import Part
from glad.recipe import Recipe
from glad.recipes.k2b import glad

PAGE = (Path(__file__).parent.parent / "docs" / "paper.md").read_text(encoding="utf-8")
PRESETS = {"faithful": glad("faithful"), "paper": glad("paper"), "release": glad("release")}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def table_rows() -> list[list[str]]:
    """Return the cells of the page's table of presets, row by row."""
    lines = PAGE.split("<!-- presets -->")[1].split("<!-- /presets -->")[0].strip().splitlines()
    return [cells(line) for line in lines[2:]]


def table() -> dict[str, list[str]]:
    """Return `{switch: [faithful, paper, release]}` of that table."""
    return {row[0].strip("`"): row[1:4] for row in table_rows()}


def rows() -> list[list[str]]:
    """Return the cells of every numbered row of the tables of differences."""
    return [cells(line) for line in PAGE.splitlines() if re.match(r"\| \d+b? \|", line)]


def switches() -> list[str]:
    """Return every field path in the last column of those rows."""
    named = [name for row in rows() for name in re.findall(r"`([^`]+)`", row[-1])]
    return sorted({name.split("=")[0] for name in named})


def field(recipe: Recipe, path: str) -> object:
    return reduce(getattr, path.split("."), recipe)


def written(value: object) -> str:
    return type(value).__name__ if isinstance(value, Part) else str(value)


def differing(parts: list, path: str = "") -> set[str]:
    """Return the paths at which the presets differ; where the kinds of a part differ, the path of that part."""
    if not all(isinstance(part, Part) for part in parts) or len({type(part) for part in parts}) > 1:
        return {path} if len(set(map(repr, parts))) > 1 else set()
    names = [name for name in type(parts[0]).model_fields if name not in ("name", "about")]
    return set().union(
        *(differing([getattr(part, name) for part in parts], f"{path}.{name}".strip(".")) for name in names)
    )


def test_no_disagreement_is_left_out_or_told_twice():
    numbers = [row[0] for row in rows()]
    assert sorted(numbers) == sorted(["2b", *map(str, range(1, 58))])
    assert {number for row in table_rows() for number in row[4].split(", ")} <= set(numbers)


@pytest.mark.parametrize("path", switches())
def test_a_switch_named_on_the_page_is_a_field_of_the_recipe(path):
    holder, _, name = path.rpartition(".")
    found = reduce(getattr, holder.split("."), PRESETS["faithful"]) if holder else PRESETS["faithful"]
    assert name in type(found).model_fields


@pytest.mark.parametrize("path", table())
def test_the_table_of_presets_holds_their_values(path):
    assert [written(field(recipe, path)) for recipe in PRESETS.values()] == table()[path]


def test_the_table_of_presets_is_complete():
    found = differing(list(PRESETS.values()))
    assert found - set(table()) == set()
    # A value inside a part whose kind differs (the sampler) stands on the page as well.
    assert {path for path in set(table()) - found if path.split(".")[0] not in found} == set()


# Rows with a switch at which all three presets agree, and the value they agree on.
AGREED = {
    "method.order_clips": 2,
    "after.method.clips": 3,
    "after.source_views.interval": 2,
    "after.mix": None,
    "after.source_pixels": Spatial(short_side=256, crop="none", flip=0.0),
    "after.target_pixels": Spatial(short_side=None, crop="none", flip=0.0),
    "after.optim.lr": 2e-3,
    "after.optim.classifier_lr": 1.0,
    "after.optim.bias_lr": 1.0,
    "after.optim.decay_all": True,
    "after.optim.clip_norm": 40.0,
    "after.method.passes": "joint",
    "optim.optimizer": "sgd",
    "optim.momentum": 0.9,
    "optim.weight_decay": 1e-4,
    "optim.classifier_lr": 5.0,
    "optim.bias_lr": 2.0,
    "optim.decay_all": False,
    "optim.clip_norm": 40.0,
    "mix.probability": 0.25,
    "backbone": R50I3DConfig(non_local=True),
    "after.backbone": R50I3DConfig(non_local=True),
    "method.align": ("global", "local", "cross"),
    "method.align_weight": 1.0,
    "method.order_weight": 1.0,
    "method.cross": "pooled",
    "method.reversal": 1.0,
    "method.reversal_schedule": "constant",
    "method.align_dropout": 0.5,
    "method.dropout": 0.5,
    "method.classifier_std": 0.01,
    "method.passes": "separate",
    "method.mask_overlap": False,
    "after.method.mask_overlap": False,
    "source_views.short": "wrap",
    "target_views.short": "wrap",
    "test_views.short": "wrap",
    "source_views.deterministic": False,
    "source_pixels": Spatial(size=224, short_side=256, crop="multiscale", flip=0.5),
    "target_pixels": Spatial(size=224, short_side=256, crop="multiscale", flip=0.5),
    "test_pixels": Spatial(size=224, short_side=256, crop="center", flip=0.0),
    "select": "last",
}


@pytest.mark.parametrize("path", AGREED)
def test_where_the_presets_agree_they_hold_what_the_page_says(path):
    assert [field(recipe, path) for recipe in PRESETS.values()] == [AGREED[path]] * 3
