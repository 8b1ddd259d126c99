"""Recipes are found by name, in one's own file and in a run folder; a near miss is told the name that was meant."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import glad.recipes.find
from glad.errors import UserError
from glad.recipe import Recipe, read_recipe
from glad.recipes.find import find_recipe, pick, recipes_in, shipped

SHIPPED = shipped()
FILE = """
from pathlib import Path
from glad.backbones.tiny import TinyConfig
from glad.methods.supervised import SupervisedConfig
from glad.recipe import Pair, Recipe, Videos

A = Videos(list=Path("a.txt"))
ONE = Recipe(name="one", data=Pair(source=A, target=A, test=A), backbone=TinyConfig(), method=SupervisedConfig())
"""


def test_the_papers_recipes_and_the_miniature_come_with_the_package():
    assert {"k2b-glad", "k2b-glad-paper", "k2b-glad-release", "k2b-order", "k2b-source-only"} <= SHIPPED.keys()
    assert "mini-source-only" in SHIPPED
    assert list(SHIPPED) == sorted(SHIPPED)


@pytest.mark.parametrize("recipe", SHIPPED.values(), ids=SHIPPED)
def test_a_shipped_recipe_says_what_it_is_and_survives_a_run_folder(recipe, tmp_path):
    assert recipe.about, f"{recipe.name} says nothing about itself"
    assert recipe.name == recipe.name.lower() and " " not in recipe.name
    recipe.write(tmp_path / "recipe.json")
    assert read_recipe(tmp_path / "recipe.json") == recipe
    assert recipe.warmup() is None or recipe.warmup().data == recipe.data


def test_a_file_of_ones_own_with_one_recipe_needs_no_name(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    assert find_recipe(str(path)).name == find_recipe(f"{path}:one").name == "one"
    path.write_text(FILE + "\nMORE = tuple(ONE.model_copy(update={'name': f'x{k}'}) for k in range(2))\n")
    assert find_recipe(f"{path}:x1").name == "x1"
    with pytest.raises(UserError, match=r"mine\.py has several recipes; choose one of: one, x0, x1"):
        find_recipe(str(path))
    assert find_recipe(str(path.rename(tmp_path / "x0.py"))).name == "x0"
    path.write_text(FILE)
    with pytest.raises(UserError, match="no recipe called 'on'; did you mean 'one'"):
        find_recipe(f"{path}:on")


def test_a_file_may_import_its_neighbours_and_a_fresh_process_may_import_it(tmp_path):
    (tmp_path / "neighbour_of_mine.py").write_text(FILE)
    (tmp_path / "with_neighbour.py").write_text(
        "from glad.methods.supervised import SupervisedConfig\nfrom neighbour_of_mine import ONE\n"
        "class OwnConfig(SupervisedConfig): pass\n"
        "TWO = ONE.model_copy(update={'name': 'two', 'method': OwnConfig()})\n"
    )
    recipe = find_recipe(f"{tmp_path / 'with_neighbour.py'}:two")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(type, recipe.method).result() is type(recipe.method)


def test_a_name_that_is_taken_is_refused(tmp_path):
    (tmp_path / "json.py").write_text(FILE)
    with pytest.raises(UserError, match="another module called 'json' already; give the file another name"):
        find_recipe(str(tmp_path / "json.py"))


def test_a_file_without_recipes_says_so(tmp_path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(UserError, match="has no recipes"):
        find_recipe(str(tmp_path / "empty.py"))


def test_a_misspelt_field_is_told_with_file_and_line(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE.replace("method=", "methd="))
    with pytest.raises(UserError, match=r"mine\.py line 8: .*no field 'methd'; did you mean 'method'"):
        find_recipe(str(path))


def test_an_error_of_the_file_itself_is_left_to_python(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        find_recipe(str(tmp_path / "broken.py"))


def test_a_recipe_of_a_run_folder(tmp_path):
    SHIPPED["k2b-glad"].write(tmp_path / "recipe.json")
    assert find_recipe(str(tmp_path / "recipe.json")) == SHIPPED["k2b-glad"]
    with pytest.raises(UserError, match=r"nowhere\.json"):
        find_recipe("nowhere.json")
    with pytest.raises(UserError, match=r"nowhere\.py: no such file"):
        find_recipe("nowhere.py")


def test_a_near_miss_is_told_the_name_meant_and_a_far_one_the_choice():
    with pytest.raises(UserError, match="did you mean 'k2b-glad'"):
        find_recipe("k2b-gald")
    with pytest.raises(UserError, match=r"'mini-gald'; did you mean 'mini-glad'\? also near: [\w-]+, [\w-]+$"):
        find_recipe("mini-gald")
    with pytest.raises(UserError) as told:
        find_recipe("quite-another")
    assert str(told.value) == (
        "glad has no recipe called 'quite-another'; `glad recipes` lists those that come with it"
    )
    with pytest.raises(UserError, match="choose one of: a, b"):
        pick({"a": SHIPPED["k2b-glad"], "b": SHIPPED["k2b-order"]}, "quite-another", "glad has")


def test_recipes_are_found_alone_and_in_tuples():
    found = recipes_in(glad.recipes.find.importlib.import_module("glad.recipes.k2b"))
    assert {"k2b-glad", "k2b-order", "k2b-order-paper"} <= found.keys()
    assert all(isinstance(value, Recipe) and value.name == name for name, value in found.items())


@pytest.mark.parametrize("text", ["def (:", "import nowhere_at_all"])
def test_a_file_that_cannot_be_run_is_one_sentence(text, tmp_path):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UserError, match=r"mine\.py cannot be run: "):
        find_recipe(str(tmp_path / "mine.py"))


@pytest.mark.parametrize("recipe", SHIPPED.values(), ids=SHIPPED)
def test_public_weights_are_those_of_the_backbone(recipe):
    kinds = {"R50I3DConfig": "weights/i3d_", "TSMConfig": "weights/tsm_", "SmallConfig": "glad:mini/"}
    kinds |= {"InceptionI3DConfig": "weights/rgb_imagenet.pt"}
    stages = [stage for stage in (recipe, recipe.warmup()) if stage is not None and stage.init is not None]
    assert stages or recipe.name == "mini-init"
    assert all(stage.init.startswith(kinds[type(stage.backbone).__name__]) for stage in stages)
