"""The report says every number of its runs, needs nothing from outside, and puts what is missing in words."""

import base64
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from glad.errors import UserError
from glad.metrics import video_scores
from glad.report import confusion_png, read_run, reading_order, seed_means, training_charts, write_report

CLASSES = ["jump", "run <fast>", "throw"]
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Collects what the tests ask about, and fails on a tag closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.words += data.split()

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def run_folder(path: Path, name: str, seed: int, predicted: list[int], align_weight: float = 1.0) -> Path:
    """Write a run of three classes on four videos of the classes 0, 0, 1, 1."""
    path.mkdir(parents=True)
    labels = [0, 0, 1, 1]
    probabilities = np.full((4, 3), 0.05)
    probabilities[np.arange(4), predicted] = 0.9
    recipe = {"name": name, "seed": seed, "select": "last", "method": {"align_weight": align_weight}}
    log = [
        {
            "step": step,
            "epoch": step / 10,
            "total": 2.0,
            "lr": 0.01,
            "terms": {"class": 1.0, "align_global": align_weight * math.log(2)},
            "stats": {"accuracy_domain_global": 0.5, "accuracy_class": step / 30},
        }
        for step in range(0, 30, 10)
    ]
    scores = {"select": "last", "step": 30, "interval": [0.25, 0.875], "videos": 4}
    scores |= video_scores(labels, probabilities).to_dict()
    lines = [
        {"path": f"val/{i:06d}", "offset": i, "frames": 20, "label": label, "probabilities": p.tolist()}
        for i, (label, p) in enumerate(zip(labels, probabilities, strict=True))
    ]
    (path / "recipe.json").write_text(json.dumps(recipe))
    (path / "environment.json").write_text(json.dumps({"torch": "9.8.7"}))
    (path / "scores.json").write_text(json.dumps(scores))
    (path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    (path / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (path / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return path


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [
        run_folder(tmp_path / "a", "source-only", 0, predicted=[0, 1, 2, 2]),
        run_folder(tmp_path / "b", "glad", 1, predicted=[0, 2, 1, 1], align_weight=0.02),
    ]


def charts_of(*runs: Path) -> list[str]:
    read = [read_run(run) for run in runs]
    return training_charts(read, [run.log for run in read])


def strip(line: dict) -> np.ndarray:
    return np.full((8, 48, 64, 3), (200, 40, line["offset"] * 10), dtype=np.uint8)


def test_the_page_says_every_number_and_asks_nobody(runs, tmp_path):
    out = write_report(runs, tmp_path / "report.html", title="Two & two", strip=strip)
    text = out.read_text(encoding="utf-8")
    page = Page(text)
    assert "http" not in text
    assert all(str(attrs.get("src")).startswith("data:image/") for attrs in page.all("img"))
    assert not page.all("script") and not page.all("link")
    assert "Two & two" in page.text
    # Recalls 0.5, 0 and 0.5, 1: the MCA is over the two classes that have videos.
    assert "source-only, seed 0 (reference) 25.0 25.0 – 87.5 25.0 100.0 4 last, step 30" in page.text
    assert "glad, seed 1 75.0 25.0 – 87.5 75.0 100.0 4 last, step 30" in page.text
    assert "Chance is 33.3 %" in page.text
    assert "run <fast> 2 0.0 100.0 (+100.0)" in page.text
    assert "throw 0 – –" in page.text
    assert "9.8.7" in page.text
    assert "What is missing" not in page.text
    assert "oracle" not in page.text


def test_pictures_decode_to_the_frames_they_were_made_of(runs, tmp_path):
    text = write_report(runs, tmp_path / "report.html", strip=strip).read_text(encoding="utf-8")
    images = [str(attrs["src"]) for attrs in Page(text).all("img")]
    assert len(images) == 2  # one video for each class that has one
    # Of class 0 both runs have the same video right, so its first is shown; of class 1 they disagree on the first.
    for image, offset in zip(images, (0, 2), strict=True):
        data = np.frombuffer(base64.b64decode(image.split(",")[1]), dtype=np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
        assert pixels.shape == (96, 6 * 128, 3)
        assert np.abs(pixels.reshape(-1, 3).mean(axis=0) - [200, 40, 10 * offset]).max() < 4


def test_videos_stand_with_the_truth_and_what_each_run_said(tmp_path):
    first = run_folder(tmp_path / "a", "a", 0, predicted=[0, 1, 2, 2])
    second = run_folder(tmp_path / "b", "b", 0, predicted=[0, 0, 1, 2])
    page = Page(write_report([first, second], tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "jump val/000001 (no picture) a, seed 0: ✗ run <fast> 90 % b, seed 0: ✓ jump 90 %" in page.text
    assert "run <fast> val/000002 (no picture) a, seed 0: ✗ throw 90 % b, seed 0: ✓ run <fast> 90 %" in page.text


def test_alignment_is_shown_without_its_weight_beside_ln_2(runs, tmp_path):
    chart = next(svg for svg in charts_of(*runs) if "align global" in svg)
    points = re.findall(r'points="([^"]+)"', chart)
    assert len(points) == 2 and points[0] == points[1]  # weights 1 and 0.02, the same loss
    guide = re.search(r'class="guide"[^>]*y1="([\d.]+)"', chart)
    assert guide is not None and {point.split(",")[1] for point in points[0].split()} == {guide[1]}
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "without their weight (glad, seed 1: 0.02)" in page.text
    assert "ln 2 = 0.693" in page.text


def test_each_term_is_followed_by_the_accuracy_of_its_head():
    names = {"order", "accuracy_domain_local", "align_local", "lr", "accuracy_class", "total", "class"}
    assert reading_order(names) == [
        *("total", "class", "accuracy_class", "align_local", "accuracy_domain_local", "order", "lr")
    ]


def test_a_step_that_is_not_finite_leaves_a_gap_instead_of_an_error(runs):
    with (runs[0] / "log.jsonl").open("a") as log:
        log.write(json.dumps({"step": 40, "epoch": 4.0, "terms": {"class": math.nan}, "stats": {}}) + "\n")
    charts = charts_of(runs[0])
    assert len(charts) == 6
    assert not any("nan" in chart for chart in charts)


def test_the_warm_up_has_curves_of_its_own(runs, tmp_path):
    (runs[1] / "warmup").mkdir()
    line = {"step": 1, "epoch": 0.1, "terms": {"order": 1.79}, "stats": {"accuracy_order": 0.2}}
    (runs[1] / "warmup" / "log.jsonl").write_text(json.dumps(line) + "\n")
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Warm-up order" in page.text
    assert len(page.all("svg")) == 6 + 2


def test_what_a_run_lacks_is_said_in_words(tmp_path):
    empty = tmp_path / "just-begun"
    empty.mkdir()
    page = Page(write_report([empty], tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "just-begun not evaluated" in page.text
    for name in ("recipe.json", "environment.json", "log.jsonl", "scores.json", "predictions.jsonl"):
        assert f"just-begun: no {name}:" in page.text
    assert "No run has a training log" in page.text
    assert "No run has predictions" in page.text


def test_a_log_cut_in_the_middle_shows_what_came_before(runs, tmp_path):
    with (runs[0] / "log.jsonl").open("a") as log:
        log.write('{"step": 40, "epo')
    assert len(read_run(runs[0]).log) == 3
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "log.jsonl, line 4 is not JSON" in page.text


def test_runs_with_other_classes_are_not_compared_class_by_class(runs, tmp_path):
    (runs[1] / "classes.txt").write_text("a\nb\nc\n")
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "run <fast> 2 0.0 –" in page.text


def test_runs_tested_on_other_videos_are_named_and_not_compared(runs, tmp_path):
    def said() -> Page:
        return Page(write_report(runs, tmp_path / "page.html").read_text())

    assert "Tested on other videos" not in said().text and re.search(r"\([+-]\d+\.\d\)", said().text)
    lines = (runs[1] / "predictions.jsonl").read_text().replace("val/000000", "val/000009")
    (runs[1] / "predictions.jsonl").write_text(lines)
    page = said().text
    assert "Tested on other videos than the reference: glad, seed 1. Their numbers cannot be compared with it." in page
    assert not re.search(r"\([+-]\d+\.\d\)", page), "no lead of one over the other"
    assert "where both were tested on the same videos" in page
    (runs[1] / "predictions.jsonl").unlink()
    assert "Tested on other videos" not in said().text, "not known"
    scores = json.loads((runs[1] / "scores.json").read_text())
    scores |= video_scores([0, 1, 1], np.eye(3)[[0, 1, 1]]).to_dict()
    (runs[1] / "scores.json").write_text(json.dumps(scores))
    assert "Tested on other videos than the reference: glad, seed 1." in said().text


def test_runs_that_differ_in_seed_only_are_averaged(tmp_path):
    runs = [
        read_run(run_folder(tmp_path / "0", "glad", 0, predicted=[0, 1, 2, 2])),  # 0.25
        read_run(run_folder(tmp_path / "1", "glad", 1, predicted=[0, 2, 1, 1])),  # 0.75
        read_run(run_folder(tmp_path / "2", "other", 0, predicted=[0, 0, 1, 1])),
    ]
    (row,) = seed_means(runs)
    assert (row["name"], row["select"], row["n"], row["mean"]) == ("glad", "last", 2, 0.5)
    assert row["sd"] == pytest.approx(math.sqrt(0.125))


def test_the_same_recipe_and_seed_twice_are_told_apart(tmp_path):
    runs = [run_folder(tmp_path / name, "glad", 0, predicted=[0, 0, 1, 1]) for name in ("x", "y")]
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "/x, no. 1)" in page.text
    assert "/y, no. 2)" in page.text


def test_an_oracle_is_called_by_its_name(runs, tmp_path):
    scores = json.loads((runs[1] / "scores.json").read_text()) | {"select": "best_target_test (oracle)"}
    (runs[1] / "scores.json").write_text(json.dumps(scores))
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "no result of unsupervised adaptation" in page.text


@pytest.mark.parametrize("runs", [[], [Path("not-there")]])
def test_no_run_or_no_folder_is_refused(runs, tmp_path):
    with pytest.raises(UserError):
        write_report(runs, tmp_path / "report.html")


@pytest.mark.parametrize("classes", [3, 50])
def test_a_confusion_matrix_becomes_a_picture(classes, tmp_path):
    names = [f"跳 {k}" for k in range(classes)]
    confusion_png(np.eye(classes, dtype=int) * 7, names, tmp_path / "confusion.png")
    pixels = cv2.imread(str(tmp_path / "confusion.png"))
    assert pixels is not None and min(pixels.shape[:2]) > 200
    assert pixels.reshape(-1, 3).std(axis=0).min() > 10


def test_the_gap_has_a_section_where_it_was_measured(runs, tmp_path):
    plain = Page(write_report(runs, tmp_path / "plain.html").read_text())
    assert "Gap" not in plain.words
    from glad.gaptable_test import FOUND

    folder = tmp_path / "gaps"
    folder.mkdir()
    (folder / "gaps.json").write_text(json.dumps(FOUND | {"name": "a<b"}))
    (folder / "lengths.svg").write_text("<svg/>")
    page = Page(write_report(runs, tmp_path / "gap.html", gaps=folder).read_text())
    assert "Gap" in page.words and "a<b (measured)" in page.text and "18,946" in page.text and "§0.25" in page.text
    assert len(page.all("img")) == len(plain.all("img")) + 1
    assert "[35.0, 45.0] between one run each" in page.text
    with pytest.raises(UserError, match=r"has no gaps\.json"):
        write_report(runs, tmp_path / "gap.html", gaps=tmp_path)
