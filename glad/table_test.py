"""A table runs what is missing and no more, refuses what does not belong, and writes what came out."""

import json
from pathlib import Path

import numpy as np
import pytest

from glad import table as tables
from glad.errors import UserError
from glad.published import TABLES
from glad.recipes.find import find_recipe
from glad.results import Result, Row
from glad.run import Run
from glad.table import (
    Entry,
    Place,
    check_comparable,
    check_files,
    check_page,
    check_runs,
    entries_of,
    page_name,
    table,
    write,
)


def test_rows_of_a_paper_table_come_with_its_labels_and_numbers():
    title, note, entries = entries_of(["3"], "mini", ())
    assert title == "Table 3: comparison of methods, on mini" and note == TABLES["3"].note
    assert [entry.label for entry in entries] == [row.label for row in TABLES["3"].rows]
    assert [entry.paper for entry in entries] == list(TABLES["3"].rows)
    _, _, two = entries_of(["2d"], "mini", ("GLA", "neither"))
    assert [entry.label for entry in two] == ["neither", "GLA"]
    assert page_name(["3"], "mini") == "table-3-mini.md" and page_name(["2a"], "my/own.py") == "table-2a-own.md"


def test_recipes_can_be_compared_by_name():
    _, _, entries = entries_of(["mini-mix", "mini-gla"], "mini", ())
    assert [(e.label, e.recipe.name, e.paper) for e in entries] == [
        ("mini-mix", "mini-mix", None),
        ("mini-gla", "mini-gla", None),
    ]
    assert page_name(["mini-mix", "mini-gla"], "mini") == "table.md"


@pytest.mark.parametrize(
    "what, benchmark, methods, said",
    [
        (["3"], "mini", ("Dann",), "table 3 has no row 'Dann'; its rows are: Source only, DANN"),
        (["3", "2a"], "mini", (), "one table at a time"),
        (["3"], "nowhere", (), "there is no benchmark 'nowhere'"),
        (["3"], "own", (), "'own' has no TABLES"),
        (["mini-mix"], "mini", ("GLAD",), "--methods chooses rows of a table"),
        (["4"], "mini", (), "glad has no recipe called '4'"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(what, benchmark, methods, said):
    with pytest.raises(UserError, match=said):
        entries_of(what, benchmark, methods)


def test_a_benchmark_of_ones_own_is_a_file_with_tables(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from glad.recipes.mini import SOURCE_ONLY, GLAD\nTABLES = {'3': {'Source only': SOURCE_ONLY, 'Ours': GLAD}}\n"
    )
    title, _, entries = entries_of(["3"], str(tmp_path / "mine.py"), ())
    assert title.endswith("mine.py") and [(e.label, e.paper and e.paper.mean) for e in entries] == [
        ("Source only", 11.7),
        ("Ours", None),
    ]
    with pytest.raises(UserError, match="has no table 2a"):
        entries_of(["2a"], str(tmp_path / "mine.py"), ())


def test_a_run_of_a_recipe_that_has_changed_since_is_not_counted(tmp_path: Path):
    recipe = find_recipe("mini-source-only").seeded(3)
    place = Place(tmp_path)
    run = place.run(recipe, 3)
    run.folder.mkdir(parents=True)
    recipe.write(run.recipe_file)
    run.last.write_bytes(b"")
    check_runs([recipe], [3, 4], place)
    recipe.model_copy(update={"steps": 7}).write(run.recipe_file)
    with pytest.raises(UserError, match=r"another recipe \(steps: 7 is not"):
        check_runs([recipe], [3], place)


def test_what_cannot_be_compared_is_refused_before_anything_is_trained(square_recipe):
    recipe = square_recipe()
    namesake, elsewhere = recipe.model_copy(update={"steps": 3}), find_recipe("mini-init")
    with pytest.raises(UserError, match="two different recipes are called 'squares'"):
        check_comparable([Entry("A", recipe), Entry("B", namesake)], [0])
    with pytest.raises(UserError, match="mini-init and squares are tested on different videos"):
        check_comparable([Entry("A", recipe), Entry("B", elsewhere)], [0])
    with pytest.raises(UserError, match="--seeds 1 2 1: a seed is named twice"):
        check_comparable([Entry("A", recipe)], [1, 2, 1])
    check_comparable([Entry("A", recipe), Entry("A again", recipe)], [0, 1])


def test_files_that_some_run_will_need_are_missed_at_once(square_recipe, tmp_path):
    check_files([square_recipe()])
    weights = square_recipe(init=str(tmp_path / "w.pth"))
    with pytest.raises(UserError, match=r"squares needs .*w\.pth \(init\), which is not there; no run was started"):
        check_files([square_recipe(), weights])
    check_files([square_recipe(after=square_recipe(name="before"))])
    with pytest.raises(UserError, match=r"w\.pth \(init\)"):
        check_files([square_recipe(after=weights)])
    with pytest.raises(UserError, match=r"data/kinetics2babel/k400_train\.txt \(data\.source\.list\)"):
        check_files([find_recipe("k2b-glad")])


def test_a_page_of_others_is_not_written_over(tmp_path):
    page = tmp_path / "page.md"
    check_page(page)
    page.write_text("my notes\n")
    with pytest.raises(UserError, match="is no page of glad table"):
        check_page(page)
    page.write_text("<!-- /table -->\n<!-- table -->\n")
    with pytest.raises(UserError, match="is no page of glad table"):
        check_page(page)
    page.write_text("x\n<!-- table -->\n<!-- /table -->\n")
    check_page(page)
    with pytest.raises(UserError, match="is a folder"):
        check_page(tmp_path)


def test_a_table_trains_what_is_missing_goes_on_with_what_was_begun_and_leaves_what_is_done(square_recipe, tmp_path):
    from glad.evaluate import evaluate
    from glad.training import train

    recipe = square_recipe(keep=2)
    other = square_recipe(name="other", steps=2)
    place = Place(tmp_path, jobs=2)
    begun = train(recipe.seeded(1), place.run(recipe, 1).folder, workers=0, stop_after=2)
    entries = [Entry("A", recipe), Entry("B", other), Entry("A again", recipe)]
    elsewhere = train(other.seeded(0), place.run(other, 0).folder, workers=0, stop_after=1)
    evaluate(elsewhere, workers=0)  # scored, but not at its end
    rows = table(entries, [0, 1], place)
    assert [row.label for row in rows] == ["A", "B", "A again"] and all(row.same_videos for row in rows)
    assert json.loads(begun.log.read_text().splitlines()[-1])["step"] == 4
    assert [result.steps["last"] for result in rows[0].results] == [4, 4]
    assert [result.steps["last"] for result in rows[1].results] == [2, 2]
    assert rows[0].results[0].seen == (16,) and rows[0].results[0].memory > 100
    assert np.isnan([rows[0].results[1].memory, rows[1].results[0].memory]).all(), "what others began is not known"
    assert list(rows[0].results[0].steps) != ["last"] and list(rows[1].results[0].steps) == ["last"]
    whole = train(recipe.seeded(1), tmp_path / "whole", workers=0)
    assert rows[0].results[1].accuracy("last") == pytest.approx(100 * evaluate(whole, workers=0).mean_class_accuracy)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert [row.accuracy("last").tolist() for row in table(entries, [0, 1], place)] == [
        row.accuracy("last").tolist() for row in rows
    ]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_run_that_fails_stops_no_other_and_is_named(square_recipe, tmp_path):
    from glad.optim import Optim

    diverges = square_recipe(name="diverges", optim=Optim(optimizer="sgd", lr=1e30, schedule="constant"), steps=6)
    place = Place(tmp_path, jobs=1)
    entries = [Entry("bad", diverges), Entry("good", square_recipe(steps=1))]
    with pytest.raises(UserError, match=r"1 of 2 runs failed.*\ndiverges seed 0: the .* is not finite in step \d"):
        table(entries, [0], place)
    assert place.run(entries[1].recipe, 0).cost.exists()
    with pytest.raises(UserError, match="--jobs 0: at least one run at a time"):
        table(entries, [0], Place(tmp_path, jobs=0))


@pytest.mark.slow
def test_processes_can_share_the_batches_of_a_run(square_recipe, tmp_path):
    entries = [Entry("A", square_recipe(steps=2))]
    (row,) = table(entries, [0], Place(tmp_path, jobs=1, devices=2))
    assert row.results[0].steps == {"last": 2} and np.isnan(row.results[0].memory)


def test_a_table_is_a_page_with_numbers_beside_it_or_goes_between_marks(tmp_path: Path):
    labels = np.array([0, 1])
    rows = [
        Row(
            "A", "a", "1x4", None, (Result(0, labels, {"last": labels}, {"last": 3}, (9,), 1.0, 1.0, {"x": 1.0}),), True
        )
    ]
    write(tmp_path / "page.md", "Title", "A note.", "glad table a", rows)
    page = (tmp_path / "page.md").read_text()
    assert page.startswith("<!-- written by glad table -->\n## Title\n\nA note.\n\n```\nglad table a\n```\n")
    assert "| A | 1x4 | **100.0** |" in page
    check_page(tmp_path / "page.md")
    assert (tmp_path / "page.csv").read_text().startswith("method,recipe,seed")
    assert "A & 1x4 & 100.0" in (tmp_path / "page.tex").read_text()
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- table -->\nold\n<!-- /table -->\nafter\n")
    write(readme, "Title", "", "glad table a", rows)
    text = readme.read_text()
    assert text.startswith("before\n<!-- table -->\n```\nglad table a\n```\n\n| method") and "old" not in text
    assert text.endswith("<!-- /table -->\nafter\n") and not (tmp_path / "README.csv").exists()


def test_the_order_that_a_warm_up_learnt_is_measured_on_held_out_videos(square_recipe, tmp_path):
    from glad.methods.order import OrderConfig
    from glad.methods.supervised import SupervisedConfig
    from glad.sampling import Ordered
    from glad.training import train

    views = Ordered(length=3, interval=1, short="repeat_last")
    warmup = square_recipe(name="o", method=OrderConfig(), source_views=views, target_views=views, steps=1)
    run = train(square_recipe(method=SupervisedConfig(), after=warmup), tmp_path / "run", workers=0)
    tables.write_order_accuracy(run)
    assert 0 <= json.loads((run.folder / "order.json").read_text())["accuracy"] <= 1
    plain = train(square_recipe(after=square_recipe(name="plain", steps=1)), tmp_path / "plain", workers=0)
    tables.write_order_accuracy(plain)
    assert not (plain.folder / "order.json").exists(), "the stage before is no order warm-up"
    assert isinstance(Run(plain.folder), Run)
