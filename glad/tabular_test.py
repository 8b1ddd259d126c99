"""A table says what its rows hold, in Markdown, CSV and LaTeX alike; what is missing is a dash and not a zero."""

import csv
import math

import numpy as np

from glad.published import Published
from glad.results import Result, Row
from glad.tabular import bounds, comma_separated, escaped, latex, main_table, number, pair_table, seed_table, spread

LABELS = np.array([0, 0, 1, 1])
NAN = math.nan


def result(seed: int, wrong: int, memory: float = NAN) -> Result:
    predicted = LABELS.copy()
    predicted[:wrong] = 1 - predicted[:wrong]
    rules = {"last": predicted, "infomax": predicted, "oracle": LABELS}
    return Result(
        seed, LABELS, rules, {"last": 6, "infomax": 6, "oracle": 3}, (2400, 7200), 1.25, memory, {"order acc.": NAN}
    )


ROWS = [
    Row("Source only", "mini-a", "3x8", Published("Source only", 11.7, 0.7), (result(5, 2), result(6, 1)), True),
    Row("GLAD_x", "mini-b", "16x8", None, (result(5, 1, 700.4), result(6, 0, 699.0)), True),
]


def test_the_main_table_has_every_rule_side_by_side_and_the_papers_number():
    head, _, first, second = main_table(ROWS).splitlines()
    assert (
        "| **last** | 95 % over videos | label-free (infomax) | source val | oracle (sees target labels) | paper |"
        in head
    )
    cells = [cell.strip() for cell in first.strip("|").split("|")]
    assert cells[:3] == ["Source only", "3x8", "**62.5 ± 17.7**"]
    assert cells[4:] == ["62.5 ± 17.7", "–", "100.0 ± 0.0", "11.7 ± 0.7", "2,400 + 7,200", "1.2", "–"]
    assert "| 87.5 ± 17.7 | – | 100.0 ± 0.0 | – | 2,400 + 7,200 | 1.2 | 700 |" in second


def test_every_seed_and_every_pair_has_its_line():
    assert "| Source only | `mini-a` | 50.0 | 75.0 | – |" in seed_table(ROWS)
    assert "| GLAD_x − Source only | +25.0 | [+25.0, +25.0] |" in pair_table(ROWS)
    assert pair_table([ROWS[0], ROWS[0]]) == pair_table(ROWS[:1]) == "", "a recipe is not compared with itself"


def test_one_seed_has_no_spread_over_seeds():
    alone = [Row(row.label, row.recipe, row.clips, row.paper, row.results[:1], True) for row in ROWS]
    assert "| **50.0** |" in main_table(alone)
    assert "| one seed |" in pair_table(alone)


def test_comma_separated_values_have_a_line_for_every_run_and_rule():
    lines = list(csv.DictReader(comma_separated(ROWS).splitlines()))
    assert len(lines) == 2 * 2 * 3
    oracle = [line for line in lines if line["rule"] == "oracle" and line["method"] == "Source only"]
    assert [(line["seed"], line["mean_class_accuracy"], line["step"]) for line in oracle] == [
        ("5", "100.000", "3"),
        ("6", "100.000", "3"),
    ]
    assert {line["sees_target_labels"] for line in oracle} == {"yes"} and oracle[0]["paper_mean"] == "11.7"
    assert {line["sees_target_labels"] for line in lines if line["rule"] != "oracle"} == {"no"}
    assert {line["mebibytes"] for line in lines if line["method"] == "GLAD_x"} == {"700.40", "699.00"}


def test_latex_escapes_what_it_would_misread():
    text = latex(ROWS, "Table")
    assert (
        r"GLAD\_x & 16x8 & 87.5 $\pm$ 17.7 & [75.0, 100.0] & 87.5 $\pm$ 17.7 & -- & 100.0 $\pm$ 0.0 & -- & 1.2 \\"
        in text
    )
    assert text.count(r"\\") == 3 and text.startswith("% Table\n") and r"{llrrrrrrr}" in text
    assert escaped("5 % & x_y") == r"5 \% \& x\_y"
    assert escaped("a^b~{c}\\") == r"a\textasciicircum{}b\textasciitilde{}\{c\}\textbackslash{}"


def test_numbers_that_are_missing_are_dashes():
    assert spread(np.array([1.0, NAN])) == "–" and bounds((NAN, NAN)) == "–" and number(np.array([NAN])) == "–"
    assert number(np.array([NAN, 2.0])) == "2.0" and spread(np.array([1.0, 3.0])) == "2.0 ± 1.4"
    assert bounds((1.0, 2.0), "+") == "[+1.0, +2.0]"
