"""A report as lines and as JSON: each says all there is to say, and the JSON keeps its shape."""

import json

from glad.check.clean import write_clean
from glad.check.doctor import Asked, lists_report
from glad.check.text import report_json, report_lines
from glad.sampling import Grid

CLASSES = ("walk", "run")
SHAPE = {
    "version": int,
    "clean": bool,
    "problems": int,
    "notes": int,
    "counts": dict,
    "recipe": str,
    "decode": str,
    "lists": list,
    "against": list,
    "shared": list,
    "extra": dict,
    "findings": list,
    "cleaned": dict,
}
LIST_SHAPE = (
    *("list", "number", "role", "root", "files", "why_not", "md5", "sha256", "released", "labelled", "rows"),
    *("unusable", "videos", "recordings", "layout", "frames", "clip", "short", "overlaps", "classes", "views"),
    "rows_by_kind",
)
VIEW_SHAPE = ["clips", "length", "past_end", "still", "repeats", "overlap", "coincide", "narrow"]


def reported(file, *against):
    asked = Asked(file, file.parent / "videos", classes=CLASSES, training=Grid(), evaluation=Grid())
    others = [Asked(path, file.parent / "videos", classes=CLASSES) for path in against]
    return lists_report([asked], others, recipe="k2b-glad")


def test_the_json_keeps_its_shape(clean_list):
    with clean_list.open("a") as out:
        out.write("c 14 6 0\ne ten 1\n")
    (clean_list.parent / "test.txt").write_text("b 0 20 0\n")
    report = reported(clean_list, clean_list.parent / "test.txt")
    found = json.loads(json.dumps(report_json(report, write_clean(report.lists[0], clean_list.parent / "new.txt"))))
    assert {name: type(value) for name, value in found.items()} == SHAPE
    [one] = found["lists"]
    assert tuple(one) == LIST_SHAPE
    assert one["frames"] == {"known": 7, "min": 6, "median": 10, "mean": 74 / 7, "max": 20}
    assert one["classes"][1] == {"label": 1, "name": "run", "rows": 2, "median_frames": 10}
    assert one["overlaps"] == {"pairs": 1, "one_frame": 1, "identical": 0, "same_label": 0}
    assert list(one["views"]) == ["training", "evaluation"] and list(one["views"]["training"]["local"]) == VIEW_SHAPE
    assert found["counts"] == {"row": 1, "overlap": 1, "shared_video": 1, "short": 6}
    assert (found["problems"], found["notes"], found["clean"]) == (3, 6, False)
    assert found["shared"] == [{"lists": [0, 1], "videos": 1, "recordings": 0, "names": 0}]
    assert found["against"] == [{"list": str(clean_list.parent / "test.txt"), "number": 1}]
    assert found["findings"][1] == {
        "kind": "overlap",
        "level": "problem",
        "text": "line 4 and line 7, c: frames 5..14 are 'run', 14..19 'walk'",
        "at": {"list": 0, "row": 3, "line": 4},
        "other": {"list": 0, "row": 6, "line": 7},
    }
    assert found["cleaned"]["rules"] == {"row": 1, "overlap": 2, "shared_video": 1} and found["cleaned"]["kept"] == 4


def test_the_lines(clean_list):
    with clean_list.open("a") as out:
        out.write("none 0 9 0\nneither 0 9 0\nnor 0 9 0\n")
    report = reported(clean_list)
    lines = [text for text, _ in report_lines(report, shown=2)]
    assert lines[0] == str(clean_list) and lines[1] == "  9 rows, labelled, of 7 videos"
    told = lines.index("problem (3): videos that are not there")
    assert lines[told + 1] == f"  line 7: there is no video at {clean_list.parent / 'videos' / 'none'}"
    assert lines[told + 3] == "  … and 1 more; --show 3 or --json tells them"
    assert lines[-1] == "3 problems, 8 notes"
    assert "    0 walk       7  77.8 %              9" in lines and "    1 run        2  22.2 %             10" in lines
    [still] = [line for line in lines if "one still frame" in line]
    assert still.split("one still frame")[1].split() == ["8", "(88.9", "%)", "8", "(88.9", "%)"]
    assert all(len(line) <= 200 and line == line.rstrip() for line in lines)


def test_clips_are_told_of_only_where_lengths_are_known(tmp_path):
    (tmp_path / "list.csv").write_text("path,label\na,walk\nb,run\n")
    report = lists_report([Asked(tmp_path / "list.csv", training=Grid())], files=False, recipe="k2b-glad")
    assert not [text for text, _ in report_lines(report) if "clips of" in text]
    (tmp_path / "list.csv").write_text("path,frames,label\na,9,walk\nb,9,run\n")
    report = lists_report([Asked(tmp_path / "list.csv", training=Grid())], files=False, recipe="k2b-glad")
    assert [text for text, _ in report_lines(report) if "clips of k2b-glad" in text]


def test_nothing_wrong_is_said_in_one_line(clean_list):
    lines = report_lines(lists_report([Asked(clean_list, clean_list.parent / "videos", classes=CLASSES)]))
    assert lines[-1] == ("no problems, 0 notes", "bold green")


def test_the_released_lists(shared_data):
    folder = shared_data / "kinetics2babel"
    report = lists_report([Asked(folder / f"babel_{part}.txt") for part in ("train", "test")])
    found = report_json(report)
    assert found["counts"] == {"overlap": 91, "same_label": 57} and found["lists"][0]["overlaps"]["pairs"] == 85
    assert [one["rows"] for one in found["lists"]] == [2963, 452] and not any(one["files"] for one in found["lists"])
    lines = [text for text, _ in report_lines(report)]
    assert "babel_train.txt and babel_test.txt share no video and no recording" in lines
    assert any("85 under different labels (47 one frame and 1 the very same frames)" in line for line in lines)
