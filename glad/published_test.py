"""The paper's numbers agree where it repeats itself, and every shipped benchmark has a recipe for every row."""

import pytest

from glad.methods.order import OrderConfig
from glad.published import GAPS, TABLES
from glad.recipe import Recipe
from glad.recipes.find import benchmark


def published(table: str, label: str) -> tuple[float, float]:
    (row,) = [row for row in TABLES[table].rows if row.label == label]
    return row.mean, row.sd


def test_what_the_paper_prints_twice_is_the_same():
    assert published("2a", "global, local, cross") == published("2b", "1 global, 2 local") == published("2c", "mixing")
    assert published("2c", "mixing, order") == published("2d", "debiasing, GLA") == (37.7, 2.5)
    assert published("2c", "no debiasing") == published("2d", "GLA") == (26.9, 3.2)
    assert published("2a", "Source only") == published("2b", "1 global") == (18.5, 1.5)


def test_table_1_agrees_with_table_3_and_with_the_text():
    """Section 3 calls the gap in length twice that of UCF-HMDB and three times that of EPIC-KITCHENS."""
    rows = {row.label: row for row in GAPS}
    ours = rows["Kinetics→BABEL"]
    assert ours.points == pytest.approx(published("3", "Supervised target")[0] - published("3", "Source only")[0])
    assert ours.videos == 14_881 + 650 + 2_963 + 452
    assert (
        round(ours.frames / rows["UCF-HMDB"].frames) == 2 and round(ours.frames / rows["EPIC-KITCHENS UDA"].frames) == 3
    )
    assert ours.scenes == max(row.scenes for row in GAPS) and ours.frames == max(row.frames for row in GAPS)


def test_labels_tell_the_rows_of_a_table_apart():
    for table in TABLES.values():
        assert len({row.label for row in table.rows}) == len(table.rows)


@pytest.mark.parametrize("name", ["mini", "k2b"])
def test_a_benchmark_has_a_recipe_for_every_row(name):
    found = benchmark(name)
    assert found.keys() == TABLES.keys()
    for table, rows in found.items():
        assert list(rows) == [row.label for row in TABLES[table].rows]
        for row in TABLES[table].rows:
            clips = sum(len(frames) for frames in rows[row.label].test_views.views(400, None).values())
            frames = rows[row.label].test_views.length
            assert row.clips == f"{clips}x{frames}", (table, row.label)


def labelled_videos(recipe: Recipe, source: int) -> int:
    """Return how many labelled videos a recipe looks at; an order warm-up, which reads no label, comes on top."""
    own = recipe.steps * recipe.batch_size if recipe.steps else recipe.epochs * source
    before = recipe.warmup()
    return own if before is None or isinstance(before.method, OrderConfig) else own + labelled_videos(before, source)


@pytest.mark.parametrize("name, source", [("mini", 360), ("k2b", 14_881)])
def test_all_rows_of_a_benchmark_follow_one_protocol(name, source):
    recipes = [recipe for rows in benchmark(name).values() for recipe in rows.values()]
    seen = {labelled_videos(recipe, source) for recipe in recipes}
    assert max(seen) - min(seen) < 32 * 2, "equally many, but for what is left of a batch"
    for recipe in recipes:
        assert all(other == recipe for other in recipes if other.name == recipe.name)
        assert recipe.keep == recipes[0].keep > 1 and recipe.select == "last"
        assert recipe.data.test == recipes[0].data.test and recipe.data.target == recipes[0].data.target
        assert recipe.source_pixels == recipe.target_pixels.model_copy(update={"color": None}), recipe.name
        assert recipe.source_pixels == recipes[0].source_pixels and recipe.test_pixels == recipes[0].test_pixels
