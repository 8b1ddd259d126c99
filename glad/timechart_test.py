"""The picture of a timeline has a bar for each segment and a row for each class that matters."""

import json
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from glad.errors import UserError
from glad.timechart import COLOURS, ROWS, UNKNOWN, about, rows_of, timechart, write_timechart, write_timeline
from glad.timeline import Timeline


def made(rows, classes=("run", "a_$class$_名", "sit"), **fields) -> Timeline:
    starts = np.arange(len(rows), dtype=float)
    return Timeline("clips/$v$.mp4", classes, starts, starts + 2, np.array(rows, np.float32), **fields)


@pytest.fixture
def found() -> Timeline:
    return made([[0.7, 0.1, 0.2], [0.3, 0.5, 0.2], [0.1, 0.8, 0.1]], unknown=0.6)


def test_bars_and_rows_by_hand(found):
    strip, grid = timechart(found).axes
    bars = [each for each in strip.patches if isinstance(each, Rectangle)]
    assert [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars] == [(0, 1.5), (1.5, 2.5), (2.5, 4)]
    assert [to_hex(bar.get_facecolor()) for bar in bars] == [COLOURS[1], UNKNOWN, COLOURS[0]]
    assert [text.get_text() for text in strip.texts] == ["run", "unknown", "a_$class$_名"]
    assert [label.get_text() for label in grid.get_yticklabels()] == ["a_$class$_名", "run", "sit"]
    cells = [each for each in grid.patches if isinstance(each, Rectangle)]
    assert [cell.get_alpha() for cell in cells] == pytest.approx([0.1, 0.5, 0.8, 0.7, 0.3, 0.1, 0.2, 0.2, 0.1])
    assert grid.get_xlim() == (0, 4)


def test_the_axis_of_a_long_video_counts_minutes():
    figure = timechart(made([[1, 0, 0]] * 599, ("run", "jump", "sit")))
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert "1:00" in labels and "10:00" in labels and "1:40" not in labels


def test_a_name_is_left_out_where_it_does_not_fit():
    rows = [[1, 0, 0]] * 60 + [[0, 1, 0]]
    assert [text.get_text() for text in timechart(made(rows)).axes[0].texts] == ["run"]


def test_only_classes_that_matter_get_a_row():
    rows = np.full((3, 40), 0.01)
    rows[0, 30], rows[1, 7], rows[2, 30], rows[2, 5] = 0.5, 0.4, 0.46, 0.45
    found = rows_of(made(rows, tuple(map(str, range(40)))))
    assert found[:3] == [30, 7, 5] and len(found) == ROWS


def test_words_about_windows(found):
    assert about(found) == ("3 windows of 2.00 s, one every 1.00 s; the darker, the more probable; unknown below 60 %")
    assert about(made([[1, 0, 0]])) == "a window of 2.00 s; the darker, the more probable"


def test_files(found, tmp_path):
    write_timeline(tmp_path / "new", "v", found)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        f"v.timeline.{kind}" for kind in ("json", "csv", "png")
    }
    assert json.loads((tmp_path / "new" / "v.timeline.json").read_text())["video"] == "clips/$v$.mp4"
    picture = cv2.imread(str(tmp_path / "new" / "v.timeline.png"))
    assert picture is not None and picture.shape[1] == 1100 and picture.std() > 10
    write_timechart(tmp_path / "v.svg", found)
    assert ElementTree.parse(tmp_path / "v.svg").getroot().tag.endswith("svg")
    first = (tmp_path / "v.svg").read_bytes()
    write_timechart(tmp_path / "v.svg", found)
    assert (tmp_path / "v.svg").read_bytes() == first
    with pytest.raises(UserError, match=r"v\.jpg: a picture is written as \.png or \.svg; name it so"):
        write_timechart(tmp_path / "v.jpg", found)
