"""Curves are those of the log, alignment without its weight, in the order one reads them."""

import json
import math
import re
from pathlib import Path

from glad.report.curves import reading_order, training_charts
from glad.report.record import read_run
from glad.report.record_test import run_folder


def charts_of(*runs: Path) -> list[str]:
    read = [read_run(run) for run in runs]
    return training_charts(read, [run.log for run in read])


def test_alignment_is_drawn_without_its_weight_on_the_line_of_a_guess(tmp_path):
    runs = [
        run_folder(tmp_path / "a", "a", 0, predicted=[0, 1, 2, 2]),
        run_folder(tmp_path / "b", "b", 0, predicted=[0, 1, 2, 2], align_weight=0.02),
    ]
    chart = next(svg for svg in charts_of(*runs) if "align global" in svg)
    points = re.findall(r'points="([^"]+)"', chart)
    assert len(points) == 2 and points[0] == points[1]  # weights 1 and 0.02, the same loss
    guide = re.search(r'class="guide"[^>]*y1="([\d.]+)"', chart)
    assert guide is not None and {point.split(",")[1] for point in points[0].split()} == {guide[1]}


def test_each_term_is_followed_by_the_accuracy_of_its_head():
    names = {"order", "accuracy_domain_local", "align_local", "lr", "accuracy_class", "total", "class"}
    assert reading_order(names) == [
        *("total", "class", "accuracy_class", "align_local", "accuracy_domain_local", "order", "lr")
    ]


def test_a_step_that_is_not_finite_leaves_a_gap_instead_of_an_error(tmp_path):
    run = run_folder(tmp_path / "a", "a", 0, predicted=[0, 1, 2, 2])
    with (run / "log.jsonl").open("a") as log:
        log.write(json.dumps({"step": 40, "epoch": 4.0, "terms": {"class": math.nan}, "stats": {}}) + "\n")
    charts = charts_of(run)
    assert len(charts) == 6
    assert not any("nan" in chart for chart in charts)
