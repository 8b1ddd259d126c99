"""The file that is written is a recipe file: it runs, says what it was told, and works from any folder."""

from pathlib import Path

import pytest

from glad.recipe import Recipe
from glad.recipe_file import NETWORKS, Settings, Sizes, classes_text, place, quoted, recipe_text
from glad.recipes.find import find_recipe, module_at, recipes_in
from glad.recipes.own import GLAD as OWN
from glad.recipes.own import SOURCE_ONLY as OWN_SOURCE_ONLY


def settings(folder: Path, **fields) -> Settings:
    given = {
        "name": "my-project",
        "classes": ("left", "right"),
        "source": folder / "labelled",
        "target": Path("/elsewhere/un labelled"),
        "test": None,
        "target_labelled": False,
        "backgrounds": folder / "my-project-backgrounds",
        "network": "small",
        "weights": NETWORKS["small"].weights,
        "sizes": Sizes(64, 2, 8, 150, 300, "32-true"),
        "found": ("8 videos", "of two\nkinds"),
    }
    return Settings(**(given | fields))


def written(folder: Path, value: Settings) -> dict[str, Recipe]:
    file = folder / f"{value.name}.py"
    file.write_text(recipe_text(value, folder), encoding="utf-8")
    return recipes_in(module_at(str(file)))


def test_it_holds_both_stages_and_source_only(tmp_path):
    found = written(tmp_path, settings(tmp_path, sizes=Sizes(64, 1, 5, 7, 9, "32-true")))
    assert list(found) == ["my-project-order", "my-project", "my-project-source-only"]
    order, glad, alone = found.values()
    assert glad.after == order and alone.after is None and order.init == alone.init == "glad:mini/init.safetensors"
    assert (order.steps, glad.steps, alone.steps) == (7, 9, 9)
    assert {recipe.batch_size for recipe in found.values()} == {5}
    assert glad.source_views == glad.target_views == glad.test_views and glad.source_views.interval == 1
    assert alone.mix is None and glad.mix is not None
    data = glad.data
    assert data.classes == ("left", "right") and data == order.data == alone.data
    assert data.source.list == tmp_path / "labelled" and data.source.labelled
    assert data.target.list == Path("/elsewhere/un labelled") and not data.target.labelled
    assert data.test.list == tmp_path / "test" and data.backgrounds == tmp_path / "my-project-backgrounds"
    text = (tmp_path / "my-project.py").read_text()
    assert "# 8 videos\n# of two kinds\n" in text and "there is none yet" in text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_the_small_network_has_the_settings_of_the_shipped_recipe(tmp_path):
    """Those were tried on mini and on a real pair."""
    found = written(tmp_path, settings(tmp_path))
    same = ("source_views", "target_views", "test_views", "source_pixels", "target_pixels", "test_pixels", "mix")
    same += ("backbone", "method", "optim", "pairing", "precision", "keep", "select", "seed")
    before, own_before = found["my-project-order"], OWN.after
    for ours, shipped in (
        (found["my-project"], OWN),
        (found["my-project-source-only"], OWN_SOURCE_ONLY),
        (before, own_before),
    ):
        assert isinstance(shipped, Recipe)
        for name in (*same, "init"):
            if ours is not before or name not in ("test_views", "init", "mix"):
                assert getattr(ours, name) == getattr(shipped, name), name
    assert before.init == "glad:mini/init.safetensors" and before.mix is None


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_makes_a_file_that_runs(network, tmp_path):
    value = settings(
        tmp_path,
        network=network,
        weights=None,
        sizes=Sizes(112, 2, 16, 1, 1, "bf16-mixed"),
        test=tmp_path / "t" / "list.csv",
    )
    glad = written(tmp_path, value)["my-project"]
    assert glad.precision == "bf16-mixed" and glad.init is None and glad.warmup().init is None
    assert glad.source_pixels.size == 112 and glad.source_pixels.short_side == (126 if network == "small" else 128)
    assert network == "small" or glad.optim.lr == pytest.approx(1e-3)
    assert "random weights" in (tmp_path / "my-project.py").read_text()
    assert glad.data.test.list == tmp_path / "t" / "list.csv"


def test_it_works_from_any_folder_and_where_it_is_moved(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    written(Path(), settings(Path()))
    monkeypatch.chdir(tmp_path)
    assert find_recipe("a/my-project.py").data.source.list == tmp_path / "a" / "labelled"
    (tmp_path / "a").rename(tmp_path / "b")
    assert find_recipe("b/my-project.py").data.source.list == tmp_path / "b" / "labelled"


@pytest.mark.parametrize(
    "name", ["plain", "with space", "with \"quotes\" and 'more'", "back\\slash", "naïve 視頻", "{x}"]
)
def test_any_folder_and_class_may_be_named(name, tmp_path):
    value = settings(tmp_path, classes=(name, "other"), source=tmp_path / name, target=Path("/x") / name)
    data = written(tmp_path, value)["my-project"].data
    assert data.classes == (name, "other")
    assert data.source.list == tmp_path / name and data.target.list == Path("/x") / name


def test_places_and_classes_as_text(monkeypatch):
    assert place(Path("/a/b/c d"), Path("/a/b")) == 'HERE / "c d"'
    assert (
        place(Path("/a/b/../c"), Path("/a/b")) == 'Path("/a/c")' and place(Path("/a/b"), Path("/a/b")) == 'HERE / "."'
    )
    assert place(Path("labelled"), Path()) == 'HERE / "labelled"'
    assert place(Path("labelled"), Path("/x")) == f'Path("{Path.cwd() / "labelled"}")'
    assert quoted("it's") == '"it\'s"' and quoted('"') == "'\"'"
    many = tuple(f"class {k}" for k in range(20))
    assert eval(classes_text(many)) == many and classes_text(many).count("\n") == 21
    assert classes_text(("a", "b")) == '("a", "b")'
