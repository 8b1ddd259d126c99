"""Charts are well-formed, put points where they belong, and thin a long curve without bending it."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glad.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, extent, line_chart, thinned, ticks


def test_a_line_runs_from_corner_to_corner_and_a_guide_lies_at_its_height():
    line = Line("a < b", np.array([0.0, 10.0]), np.array([0.0, 1.0]), colour=0)
    svg = ET.fromstring(line_chart("x & y", [line], "epoch", guide=("half", 0.5), y_range=(0.0, 1.0)))
    drawn = svg.find("polyline")
    assert drawn is not None
    assert drawn.get("points") == f"{LEFT:.1f},{HEIGHT - BOTTOM:.1f} {WIDTH - RIGHT:.1f},{TOP:.1f}"
    assert drawn.findtext("title") == "a < b"
    dotted = next(part for part in svg.findall("line") if part.get("class") == "guide")
    assert float(dotted.get("y1", "nan")) == pytest.approx((TOP + HEIGHT - BOTTOM) / 2)
    assert "dotted: half" in [part.text for part in svg.findall("text")]


def test_a_curve_of_one_point_is_a_dot_and_a_ninth_line_is_dashed():
    svg = ET.fromstring(line_chart("t", [Line("one", np.array([3.0]), np.array([0.7]), colour=8)], "step"))
    assert svg.find("circle") is not None
    two = Line("two", np.array([0.0, 1.0]), np.array([0.0, 1.0]), colour=8)
    assert "stroke-dasharray" in line_chart("t", [two], "step")


def test_ticks_by_hand():
    assert ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(0.0, 50.0) == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert ticks(-0.9, 0.9) == [-0.5, 0.0, 0.5]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_inside(low, size):
    found = ticks(low, low + size)
    slack = 1e-6 * max(abs(low), size)
    assert 2 <= len(found) <= 6
    assert all(low - slack <= tick <= low + size + slack for tick in found)


def test_extent_keeps_zero_and_never_is_empty():
    assert extent(np.array([0.0, 2.0]), margin=0.5) == (0.0, 3.0)
    assert extent(np.array([1.0, 2.0]), margin=0.5) == (0.5, 2.5)
    assert extent(np.array([0.0])) == (0.0, 1.0)
    assert extent(np.array([4.0, 4.0])) == (3.5, 4.5)


def test_thinning_takes_means_and_drops_what_is_not_finite():
    x, y = thinned(np.arange(6.0), np.array([1.0, 3.0, np.nan, 5.0, 7.0, np.inf]), points=2)
    assert x.tolist() == [0.5, 3.5]
    assert y.tolist() == [2.0, 6.0]
    x, y = thinned(np.arange(1001.0), 2 * np.arange(1001.0), points=200)
    assert len(x) == 200
    assert np.allclose(y, 2 * x)
