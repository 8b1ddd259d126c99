"""Class by class, numbers are those of the scores, and mistakes are counted once."""

from glad.report.classes import class_rows, confusions, mistakes
from glad.report.record import read_run
from glad.report.record_test import CLASSES, run_folder


def test_recall_and_lead_of_each_class(tmp_path):
    runs = [
        read_run(run_folder(tmp_path / "a", "a", 0, predicted=[0, 1, 2, 2])),
        read_run(run_folder(tmp_path / "b", "b", 0, predicted=[0, 2, 1, 1])),
    ]
    rows = class_rows(runs)
    assert [row["name"] for row in rows] == CLASSES and [row["support"] for row in rows] == [2, 2, 0]
    assert rows[0]["cells"] == [{"recall": 0.5, "lead": 0.0}, {"recall": 0.5, "lead": 0.0}]
    assert rows[1]["cells"] == [{"recall": 0.0, "lead": 0.0}, {"recall": 1.0, "lead": 100.0}]
    assert rows[2]["cells"] == [None, None]
    runs[1].classes = ["a", "b", "c"]
    assert class_rows(runs)[1]["cells"][1] is None
    runs[0].scores = None
    assert class_rows(runs) == []


def test_mistakes_are_the_cells_off_the_diagonal_the_commonest_first(tmp_path):
    run = read_run(run_folder(tmp_path / "a", "a", 0, predicted=[0, 1, 2, 2]))
    assert mistakes(run) == [
        {"true": "run <fast>", "said": "throw", "count": 2, "share": 1.0},
        {"true": "jump", "said": "run <fast>", "count": 1, "share": 0.5},
    ]
    [found] = confusions([run])
    assert found["picture"] is None and [row["counts"] for row in found["rows"]] == [(1, 1, 0), (0, 0, 2), (0, 0, 0)]
    assert [row["recall"] for row in found["rows"]] == [0.5, 0.0, None]
