"""The paper's numbers agree where it repeats itself, and every shipped benchmark has a recipe for every row."""

import pytest

from glad.published import TABLES
from glad.recipes.find import benchmark


def published(table: str, label: str) -> tuple[float, float]:
    (row,) = [row for row in TABLES[table].rows if row.label == label]
    return row.mean, row.sd


def test_what_the_paper_prints_twice_is_the_same():
    assert published("2a", "global, local, cross") == published("2b", "1 global, 2 local") == published("2c", "mixing")
    assert published("2c", "mixing, order") == published("2d", "debiasing, GLA") == (37.7, 2.5)
    assert published("2c", "no debiasing") == published("2d", "GLA") == (26.9, 3.2)
    assert published("2a", "Source only") == published("2b", "1 global") == (18.5, 1.5)


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


@pytest.mark.parametrize("name", ["mini", "k2b"])
def test_equal_names_are_equal_recipes_and_methods_see_equally_many_source_videos(name):
    recipes = [recipe for rows in benchmark(name).values() for recipe in rows.values()]
    for recipe in recipes:
        assert all(other == recipe for other in recipes if other.name == recipe.name)
        assert recipe.keep > 1 and recipe.select == "last"
