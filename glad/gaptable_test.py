"""The measured pair stands beside the published ones, and nothing about it is left unsaid."""

import copy
import json
from dataclasses import asdict

import pytest

from glad.errors import UserError
from glad.gaptable import gap_section, gaps_text, notes, sentences, table_rows
from glad.published import GAPS

SIDE = {"list": "a.txt", "videos": 40, "left_out": [], "frames": {"min": 5, "median": 9.5, "mean": 10.0, "max": 20}}
FOUND = {
    "name": "Mine",
    "source": SIDE,
    "target": SIDE | {"videos": 1200},
    "temporal": {"value": 12.34567, "unit": "frames"},
    "scenes": {
        "value": 0.25,
        "source_to_target": 0.3,
        "target_to_source": 0.2,
        "inside_source": 0.05,
        "inside_target": None,
        "encoder": "a fallback, not comparable",
        "of_paper": False,
        "videos": [38, 1200],
        "of": [40, 1200],
        "limit": None,
        "left_out": ["a.txt line 3: gone", "a.txt line 4: gone"],
    },
    "accuracy": {
        "value": 40.0,
        "source_only": 20.0,
        "supervised": 60.0,
        "interval": [35.0, 45.0],
        "recipes": ["floor", "ceiling"],
        "select": ["last", "oracle"],
    },
    "classes": {
        "names": ["jump", "run"],
        "source": [10, 30],
        "target": [1200, 0],
        "source_imbalance": 3.0,
        "target_imbalance": 1.0,
        "total_variation": 0.75,
        "jensen_shannon": 0.7,
    },
    "published": [asdict(row) for row in GAPS],
}
BARE = FOUND | {
    "scenes": {"missing": "no video is there"},
    "accuracy": {"missing": "no runs"},
    "classes": {"missing": "neither list has labels"},
}


def test_rows_by_hand():
    rows = table_rows(FOUND)
    assert [row["benchmark"] for row in rows] == [*(row.label for row in GAPS), "Mine (measured)"]
    assert list(rows[1].values()) == ["EPIC-KITCHENS UDA", "8", "*6,729", "0.11", "62.7", "26.2"]
    assert list(rows[2].values()) == ["Mixamo→Kinetics", "14", "36,195", "0.24", "66.7", "†68.1"]
    assert list(rows[4].values()) == ["Mine (measured)", "2", "1,240", "§0.25", "12.3", "40.0"]
    assert list(table_rows(BARE)[4].values()) == ["Mine (measured)", "–", "1,240", "–", "12.3", "–"]


def test_marks_are_explained():
    below = notes(FOUND)
    assert below[0] == "* videos: mean of its 6 settings" and below[1].startswith("† ΔAcc: taken over")
    assert below[2] == "§ a fallback, not comparable"
    assert len(notes(BARE)) == 2
    paper = copy.deepcopy(FOUND)
    paper["scenes"]["of_paper"] = True
    assert notes(paper)[2].endswith("0.31 is no target")


def test_every_gap_has_its_sentence():
    text = "\n".join(sentences(FOUND))
    for said in (
        "Δtemp 12.3457 frames: source 5 to 20 frames, median 9.5, mean 10.0; target",
        "Δbg   0.2500: from source to target 0.3000, back 0.2000; videos of source 38 of 40, target 1,200",
        "same domain, for comparison: source 0.0500\n",
        "Δbg: 2 videos left out:\n        a.txt line 3: gone\n        a.txt line 4: gone\n",
        "ΔAcc  40.0 points [35.0, 45.0] between one run each: floor 20.0 % (checkpoint 'last'), "
        "ceiling 60.0 % (checkpoint 'oracle', sees target labels)",
        "the largest over the smallest, source 3.0, target 1.0; between the two, total variation 0.750",
        "the target has no video of run",
    ):
        assert said in text
    assert "sample" not in text
    bare = "\n".join(sentences(BARE))
    assert "Δbg   not measured: no video is there" in bare and "ΔAcc  not measured: no runs" in bare
    assert bare.endswith("classes: neither list has labels")


def test_what_is_left_out_is_counted_and_a_sample_called_one():
    found = copy.deepcopy(FOUND)
    found["target"]["left_out"] = [f"line {n}" for n in range(5)]
    found["scenes"] |= {"limit": 38, "videos": [38, 38]}
    text = "\n".join(sentences(found))
    assert "Δtemp, target: 5 videos left out:" in text and "line 2\n        and 2 more: gaps.json" in text
    assert "line 3" not in text.split("Δbg")[0]
    assert "a sample makes Δbg larger" in text


def test_columns_stand_under_each_other():
    lines = gaps_text(FOUND).splitlines()[2:8]
    assert len({line.rindex(" ") >= 0 and len(line) for line in lines}) == 1
    assert lines[0].split() == ["benchmark", "classes", "videos", "Δbg", "Δtemp", "ΔAcc"]


def test_a_section_carries_its_charts(tmp_path):
    (tmp_path / "gaps.json").write_text(json.dumps(FOUND))
    (tmp_path / "lengths.svg").write_text("<svg/>")
    section = gap_section(tmp_path)
    assert section["name"] == "Mine" and section["rows"] == table_rows(FOUND)
    (chart,) = section["charts"]
    assert chart.startswith('<img src="data:image/svg+xml;base64,PHN2Zy8+" alt="How long')


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"has no gaps\.json; measure the gaps first: glad gaps SOURCE TARGET --out"):
        gap_section(tmp_path)
    for text in ("{", "{}", "[]", '{"published": 3}'):
        (tmp_path / "gaps.json").write_text(text)
        with pytest.raises(UserError, match=r"gaps\.json is not what `glad gaps` writes"):
            gap_section(tmp_path)
