"""The report says every number of its runs, needs nothing from outside, and puts what is missing in words."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from glad.errors import UserError
from glad.features import Features, write_features
from glad.metrics import video_scores
from glad.report.page import write_report
from glad.report.record_test import run_folder

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


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [
        run_folder(tmp_path / "a", "source-only", 0, predicted=[0, 1, 2, 2]),
        run_folder(tmp_path / "b", "glad", 1, predicted=[0, 2, 1, 1], align_weight=0.02),
    ]


def strip(line: dict) -> np.ndarray:
    return np.full((8, 48, 64, 3), (200, 40, line["offset"] * 10), dtype=np.uint8)


def test_the_page_says_every_number_and_asks_nobody(runs, tmp_path):
    out = write_report(runs, tmp_path / "report.html", title="Two & two", strip=strip)
    text = out.read_text(encoding="utf-8")
    page = Page(text)
    assert "http:" not in text and "https:" not in text and "url(" not in text
    assert all(str(attrs.get("src")).startswith("data:image/") for attrs in page.all("img"))
    assert not page.all("link") and page.all("script") == [{}]
    assert "Two & two" in page.text
    # Recalls 0.5, 0 and 0.5, 1: the MCA is over the two classes that have videos.
    assert "source-only, seed 0 (reference) 25.0 25.0 – 87.5 – 25.0 100.0 4 last, step 30" in page.text
    assert "glad, seed 1 75.0 25.0 – 87.5 +50.0 [+50.0, +50.0] 75.0 100.0 4 last, step 30" in page.text
    assert "Chance is 33.3 % of MCA. The interval" in page.text
    assert "run <fast> 2 0.0 100.0 +100.0" in page.text
    assert "throw 0 – – –" in page.text
    assert "9.8.7" in page.text
    assert "method.align_weight 1.0 0.02" in page.text and "ln 2 = 0.693" in page.text
    assert "without their weight (glad, seed 1: 0.02)" in page.text
    assert "oracle" not in page.text.partition("Settings and files")[0]


def test_pictures_decode_to_the_frames_they_were_made_of(runs, tmp_path):
    text = write_report(runs, tmp_path / "report.html", strip=strip).read_text(encoding="utf-8")
    images = [str(attrs["src"]) for attrs in Page(text).all("img")]
    # One video for each class that has one; of the first run the 3 wrong and 1 right, of the second 1 and 3.
    assert len(images) == 2 + 4 + 4
    # Of class 0 both runs have the same video right, so its first is shown; of class 1 they disagree on the first.
    for image, offset in zip(images[:2], (0, 2), strict=True):
        data = np.frombuffer(base64.b64decode(image.split(",")[1]), dtype=np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
        assert pixels.shape == (3 * 48, 4 * 64, 3)
        assert np.abs(pixels.reshape(-1, 3).mean(axis=0) - [200, 40, 10 * offset]).max() < 4


def test_videos_that_are_not_there_are_told_once(runs, tmp_path):
    page = Page(write_report(runs, tmp_path / "report.html").read_text())
    assert page.text.count("videos cannot be shown, val/000000 for one:") == 1
    assert "Not shown, source videos:" in page.text and "no-list.txt" in page.text


def test_videos_stand_with_the_truth_and_what_each_run_said(tmp_path):
    first = run_folder(tmp_path / "a", "a", 0, predicted=[0, 1, 2, 2])
    second = run_folder(tmp_path / "b", "b", 0, predicted=[0, 0, 1, 2])
    page = Page(write_report([first, second], tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "jump val/000001 (no picture) a, seed 0: ✗ run <fast> 90 % b, seed 0: ✓ jump 90 %" in page.text
    assert "run <fast> val/000002 (no picture) a, seed 0: ✗ throw 90 % b, seed 0: ✓ run <fast> 90 %" in page.text


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


def test_runs_with_other_classes_are_not_compared_class_by_class(runs, tmp_path):
    (runs[1] / "classes.txt").write_text("a\nb\nc\n")
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "run <fast> 2 0.0 – –" in page.text


def test_runs_tested_on_other_videos_are_named_and_not_compared(runs, tmp_path):
    def said() -> str:
        return Page(write_report(runs, tmp_path / "page.html").read_text()).text.partition("Confusions Rows")[0]

    compared = r"[+-]\d+\.\d"
    assert "Tested on other videos" not in said() and re.search(compared, said())
    lines = (runs[1] / "predictions.jsonl").read_text().replace("val/000000", "val/000009")
    (runs[1] / "predictions.jsonl").write_text(lines)
    page = said()
    assert "Tested on other videos than the reference: glad, seed 1. Their numbers cannot be compared with it." in page
    assert not re.search(compared, page), "no lead of one over the other"
    assert "where both were tested on the same videos" in page


def test_an_oracle_is_called_by_its_name(runs, tmp_path):
    scores = json.loads((runs[1] / "scores.json").read_text()) | {"select": "best_target_test (oracle)"}
    (runs[1] / "scores.json").write_text(json.dumps(scores))
    page = Page(write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "no result of unsupervised adaptation" in page.text


@pytest.mark.parametrize("runs", [[], [Path("not-there")]])
def test_no_run_or_no_folder_is_refused(runs, tmp_path):
    with pytest.raises(UserError):
        write_report(runs, tmp_path / "report.html")


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


def test_features_are_drawn_before_and_after(runs, tmp_path):
    rng = np.random.default_rng(0)

    def features(step: int) -> Features:
        points = rng.normal(size=(2, 12, 3)).astype(np.float32)
        labels = np.arange(12) % 3
        return Features(points[0], labels, points[1] + 9, labels, step)

    assert "No run has kept features" in Page(write_report(runs, tmp_path / "page.html").read_text()).text
    for run in runs:
        write_features(run / "features.safetensors", features(30))
    page = Page(write_report(runs, tmp_path / "page.html", initial=features(0)).read_text())
    charts = [attrs["aria-label"] for attrs in page.all("svg") if attrs["class"] == "scatter"]
    assert charts == [
        f"{kind}, {name}"
        for name in ("source-only, seed 0, before training", "source-only, seed 0", "glad, seed 1")
        for kind in ("PCA", "t-SNE")
    ]
    assert page.text.count("tells the domain of 100.0 % of videos") == 3 and "12 and 12 of them" in page.text


def test_a_matrix_of_many_classes_is_a_picture_with_its_mistakes(runs, tmp_path):
    k = 50
    names = [f"class {i}" for i in range(k)]
    scores = video_scores([0, 0, 49], np.eye(k)[[0, 7, 49]]).to_dict()
    (runs[0] / "scores.json").write_text(json.dumps(json.loads((runs[0] / "scores.json").read_text()) | scores))
    (runs[0] / "classes.txt").write_text("\n".join(names) + "\n")
    page = Page(write_report(runs[:1], tmp_path / "page.html", strip=lambda line: None).read_text())
    assert [attrs["alt"] for attrs in page.all("img")] == ["confusions of source-only, seed 0"]
    assert "class 0 class 7 1 50.0" in page.text and not page.all("select")
