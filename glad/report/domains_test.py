"""The pictures of a pair are those of its own videos; what there is none of is said."""

import base64
import re

import cv2
import numpy as np
import pytest

from glad.data.image import read_image
from glad.recipe import Videos
from glad.report.domains import domains
from glad.report.record import RunRecord


@pytest.fixture
def record(square_recipe, tmp_path) -> RunRecord:
    return RunRecord(tmp_path, "squares", recipe=square_recipe(), classes=["left", "right"])


def pixels(tag: str) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(tag.split(",")[1].split('"')[0]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def test_backgrounds_are_those_of_the_folder_or_made_now(record, squares):
    found = domains(record)
    source, target = found["stills"]
    assert (source["made"], target["made"], source["videos"]) == (0, 8, 8)
    assert [name for _, name in source["pictures"]] == ["left", "right"] * 4
    assert [name for _, name in target["pictures"]] == [""] * 8, "the target has no labels here either"
    stored = [read_image(file).astype(int) for file in sorted((squares / "backgrounds").glob("*.jpg"))]
    for number, name in ((0, "left_0"), (1, "right_1")):
        apart = [np.abs(pixels(str(source["pictures"][number][0])) - image).mean() for image in stored]
        assert sorted((squares / "backgrounds").glob("*.jpg"))[int(np.argmin(apart))].stem == name
    assert found["missing"] == []


def test_lengths_and_samples_are_drawn(record):
    found = domains(record)
    assert "the gap is 0.0 frames" in str(found["lengths"])
    assert [name for name, _ in found["views"]] == ["source", "target"]
    assert min(pixels(str(found["views"][0][1])).shape[:2]) > 300


def test_videos_that_are_not_there_are_said_and_the_others_shown(record, square_pair, tmp_path):
    pair = square_pair.model_copy(update={"target": Videos(list=tmp_path / "no.txt")})
    record.recipe = record.recipe.model_copy(update={"data": pair})
    found = domains(record)
    assert [each["name"] for each in found["stills"]] == ["source"] and found["lengths"] is None
    [sentence] = found["missing"]
    assert re.match(r"target videos: there is no list .*no\.txt", sentence)


def test_lists_without_lengths_are_said(record, square_pair, squares, tmp_path):
    (tmp_path / "t.txt").write_text("left_0\nright_1\n")
    target = Videos(list=tmp_path / "t.txt", root=squares / "target", labelled=False)
    record.recipe = record.recipe.model_copy(update={"data": square_pair.model_copy(update={"target": target})})
    found = domains(record)
    assert found["lengths"] is None and [one.partition(":")[0] for one in found["missing"]] == ["lengths"]
