import json
from pathlib import Path

import numpy as np
import pytest

from glad.errors import UserError
from glad.recipes.find import find_recipe
from glad.run import Run
from glad.table import Row, check_scored, insert, main_table, mean_interval, measured, pair_table


def row(name: str, *accuracy: float, **others: float) -> Row:
    nan = np.full(len(accuracy), np.nan)
    return Row(name, np.array(accuracy), nan + 0, nan, nan, np.ones(len(accuracy)), **others)


def test_interval_of_the_mean_is_student_s():
    low, high = mean_interval(np.array([1.0, 2.0, 3.0]))
    assert (low, high) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))  # t(0.975, 2) = 4.302653
    assert np.isnan(mean_interval(np.array([1.0]))).all()


def test_tables_show_every_seed_the_mean_and_every_pair():
    rows = [row("a", 10, 20, 30), row("b", 12, 24, 36)]
    assert "| a | 10.0 | 20.0 | 30.0 | **20.0** ± 10.0 | [-4.8, 44.8] |" in main_table(rows, (5, 6, 7))
    assert "| b − a | +4.0 | [-1.0, +9.0] | 3/3 |" in pair_table(rows)


def test_table_goes_between_the_marks_of_a_page_or_is_the_page(tmp_path: Path):
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- table -->\nold\n<!-- /table -->\nafter\n")
    insert(page, "new\n", "more\n")
    assert page.read_text() == "before\n<!-- table -->\nnew\n<!-- /table -->\nafter\n"
    insert(tmp_path / "other.md", "new\n", "more\n")
    assert (tmp_path / "other.md").read_text() == "new\nmore\n"


def test_measurements_come_from_the_files_of_a_run(tmp_path: Path):
    run = Run(tmp_path / "run")
    (run.folder / "warmup").mkdir(parents=True)
    run.scores.write_text(json.dumps({"mean_class_accuracy": 0.4, "confusion": [[6, 1, 0], [1, 1, 0], [0, 0, 1]]}))
    lines = [
        {"step": 10 * i, "seconds_per_step": 3.0, "stats": {"accuracy_domain_both": 0.1 * i, "accuracy_class": 1.0}}
        for i in (1, 2, 3, 4, 5)
    ]
    run.log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    run.warmup.log.write_text(json.dumps({"step": 20, "seconds_per_step": 6.0, "stats": {}}) + "\n")
    (run.folder / "order.json").write_text('{"accuracy": 0.3}')
    found = measured("a", [run])
    assert found.accuracy == pytest.approx([40.0])
    assert found.top2 == pytest.approx([90.0])  # 7 and 2 of 10 predictions
    assert found.domain == pytest.approx([50.0])  # the last fifth of the log
    assert found.order == pytest.approx([30.0])
    assert found.minutes == pytest.approx([(50 * 3 + 20 * 6) / 60])


def test_a_run_of_a_recipe_that_has_changed_since_is_not_counted(tmp_path: Path):
    recipe = find_recipe("mini-source-only").seeded(3)
    run = Run(tmp_path / recipe.name / "3")
    run.folder.mkdir(parents=True)
    recipe.write(run.recipe_file)
    run.scores.write_text("{}")
    check_scored([recipe.name], [3, 4], tmp_path)
    recipe.model_copy(update={"steps": 7}).write(run.recipe_file)
    with pytest.raises(UserError, match=r"another recipe \(steps: 7 is not"):
        check_scored([recipe.name], [3], tmp_path)


def test_one_seed_has_no_spread():
    assert "| a | 10.0 | **10.0** | one seed |" in main_table([row("a", 10)], (5,))
    assert "| b − a | +2.0 | one seed | 1/1 |" in pair_table([row("a", 10), row("b", 12)])
