"""docs/paper.md tells the truth: its switches exist, and its table of presets is what the recipes hold."""

import re
from functools import reduce
from pathlib import Path

import pytest

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
