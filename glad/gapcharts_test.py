"""The charts show the numbers they are given, as files that open anywhere."""

import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from glad.gapcharts import MEASURED, SOURCE, benchmark_chart, class_chart, length_chart, write_chart
from glad.published import GAPS


def words(axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def test_the_area_between_the_curves_is_the_gap():
    figure = length_chart(np.array([0, 6]), np.array([0, 3, 6]), 1.0)
    left, right = figure.axes
    source, target = ((line.get_xdata(), line.get_ydata()) for line in right.lines)
    assert np.array_equal(source[0], target[0])
    assert np.sum(np.abs(source[1] - target[1])[:-1] * np.diff(source[0])) / 100 == pytest.approx(1.0)
    assert source[1][-1] == target[1][-1] == 100
    assert "Δtemp = 1.0 frames" in [text.get_text() for text in right.get_legend().get_texts()]
    assert "target: 3 videos, median 3" in [text.get_text() for text in left.get_legend().get_texts()]


def test_histograms_are_shares_of_each_side():
    left = length_chart(np.full(4, 10), np.array([10, 400]), 0.0).axes[0]
    heights = {patch.get_edgecolor(): patch.get_xy()[:, 1].max() for patch in left.patches}
    assert heights[to_rgba(SOURCE)] == 100 and sorted(heights.values()) == [50, 100]
    assert [patch.get_hatch() for patch in left.patches] == [None, None, "////"]


@pytest.mark.parametrize(
    "scenes, comparable, said",
    [(0.4, True, "Mine (measured)"), (0.4, False, "height not comparable"), (None, False, "Δbg not measured")],
)
def test_benchmarks_stand_where_they_were_published(scenes, comparable, said):
    axes = benchmark_chart(GAPS, "Mine", 120.5, scenes, comparable, "ΔAcc 12.0").axes[0]
    centres = [tuple(circle.get_offsets()[0]) for circle in axes.collections]
    assert centres[:4] == [(row.frames, row.scenes) for row in GAPS]
    sizes = [circle.get_sizes()[0] for circle in axes.collections[:4]]
    assert sizes == pytest.approx([row.videos / 40 for row in GAPS])
    assert said in words(axes) and "Δtemp 120.5, ΔAcc 12.0" in words(axes) and "18,946 videos, ΔAcc 65.0" in words(axes)
    if scenes is None:
        assert len(centres) == 4 and axes.lines[0].get_xdata() == [120.5, 120.5]
    else:
        assert centres[4] == (120.5, 0.4)
        faces = axes.collections[4].get_facecolor()
        assert np.allclose(faces, to_rgba(MEASURED)) if comparable else len(faces) == 0
    assert axes.get_xlim()[1] > 182.1 and axes.get_ylim()[1] > max(0.31, scenes or 0)


def test_classes_are_shares_of_each_side():
    axes = class_chart(["jump", "run"], [30, 10], [0, 7]).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [75, 25, 0, 100]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["jump", "run"]
    assert words(axes) == "30 10 0 7"


def test_names_in_any_script_are_words_in_the_svg(tmp_path):
    names = ["跳跃", "бежать", "ジャンプ", "a < b & c", "🤸"]
    write_chart(class_chart(names, [3, 1, 4, 1, 5], [2, 7, 1, 8, 2]), tmp_path / "classes")
    texts = {
        element.text for element in ElementTree.parse(tmp_path / "classes.svg").iter("{http://www.w3.org/2000/svg}text")
    }
    assert set(names) <= texts
    assert cv2.imread(str(tmp_path / "classes.png")) is not None


def test_both_files_open_and_are_the_same_again(tmp_path):
    figure = length_chart(np.array([5, 9, 30]), np.array([2, 3]), 1.0)
    for name in ("a", "b"):
        write_chart(figure, tmp_path / name)
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    height, width, _ = cv2.imread(str(tmp_path / "a.png")).shape
    assert (width, height) == (990, 374)
    for kind in ("svg", "png"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
