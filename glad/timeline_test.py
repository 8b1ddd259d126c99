"""Windows cover a video, say what each is alone, and merge into segments that do not overlap."""

import csv
import json
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glad.data.video import open_video
from glad.errors import UserError
from glad.predict import Predictor
from glad.run import Run
from glad.timeline import MOST, Segment, Timeline, spans_of, timeline
from glad.training import train


@pytest.fixture(scope="module")
def predictor(square_recipe, tmp_path_factory) -> Predictor:
    run: Run = train(square_recipe(), tmp_path_factory.mktemp("timeline") / "run", workers=0)
    return Predictor(run)


def made(starts, ends, probabilities, **fields) -> Timeline:
    """Return a timeline of the classes a, b, c."""
    arrays = (np.array(starts, float), np.array(ends, float), np.array(probabilities, np.float32))
    return Timeline("v.mp4", ("a", "b", "c"), *arrays, **fields)


AT_TEN = np.arange(36) / 10  # 35 frames


@pytest.mark.parametrize(
    "window, stride, starts, spans",
    [
        (2, 1, [0, 1, 1.5], [(0, 20), (10, 20), (15, 20)]),  # what is left at the end gets one more
        (1.75, 1.75, [0, 1.75], [(0, 18), (17, 18)]),  # frame 17 is on show from 1.7 to 1.8
        (3.5, 1, [0], [(0, 35)]),
        (5, 1, [0], [(0, 35)]),
        (0.5, 1.5, [0, 1.5, 3], [(0, 5), (15, 5), (30, 5)]),
        (0.5, 2, [0, 2], [(0, 5), (20, 5)]),  # of what lies between windows nothing is asked, nor after the last
        (0.01, 3.4, [0, 3.4], [(0, 1), (34, 1)]),
    ],
)
def test_windows_by_hand(window, stride, starts, spans):
    found, frames = spans_of(AT_TEN, window, stride)
    assert found == pytest.approx(starts) and frames == spans


def test_windows_of_a_video_whose_frames_come_when_they_like():
    seconds = np.array([0, 0.1, 0.2, 4.0, 4.1, 4.2])  # a slide is shown from 0.2 to 4
    starts, spans = spans_of(seconds, 1, 1)
    assert starts == pytest.approx([0, 1, 2, 3, 3.2])
    assert spans == [(0, 3), (2, 1), (2, 1), (2, 1), (2, 3)]


@given(st.integers(1, 400), st.sampled_from([10, 25, 30000 / 1001, 60]), st.floats(0.05, 20), st.floats(0.1, 1))
def test_windows_that_touch_see_every_frame(frames, rate, window, share):
    starts, spans = spans_of(np.arange(frames + 1) / rate, window, share * window)
    seen = set().union(*(range(first, first + count) for first, count in spans))
    assert seen == set(range(frames))
    assert (np.diff(starts) > 0).all() and all(a[0] <= b[0] for a, b in pairwise(spans))
    assert all(count >= 1 for _, count in spans)
    counts = [count for _, count in spans]
    assert max(counts) - min(counts) <= 2  # a window cuts frames at both of its ends


@pytest.mark.parametrize("window, stride", [(0, 1), (1, 0), (-1, 1)])
def test_windows_of_nothing_are_refused(window, stride):
    with pytest.raises(UserError, match="both must be above 0"):
        spans_of(AT_TEN, window, stride)


def test_more_windows_than_anyone_reads_are_refused():
    with pytest.raises(UserError, match="choose a longer stride"):
        spans_of(AT_TEN, 0.1, 3.0 / (MOST + 10))


def test_segments_by_hand():
    found = made([0, 1, 2, 3], [2, 3, 4, 5], [[0.8, 0.2, 0], [0.6, 0.4, 0], [0.1, 0.9, 0], [0.5, 0.2, 0.3]])
    assert found.stretches().tolist() == [[0, 1.5], [1.5, 2.5], [2.5, 3.5], [3.5, 5]]
    assert [(one.start, one.end, one.name) for one in found.segments()] == [
        (0, 2.5, "a"),
        (2.5, 3.5, "b"),
        (3.5, 5, "a"),
    ]
    assert [one.probability for one in found.segments()] == pytest.approx([0.7, 0.9, 0.5])


def test_windows_of_one_class_that_lie_apart_are_two_segments():
    found = made([0, 5], [1, 6], [[1, 0, 0], [1, 0, 0]])
    assert found.segments() == [Segment(0, 1, "a", 1), Segment(5, 6, "a", 1)]
    assert made([0, 1], [1, 2], [[1, 0, 0], [1, 0, 0]]).segments() == [Segment(0, 2, "a", 1)]


def test_what_is_not_believed_is_one_class_more():
    rows = [[0.9, 0.1, 0], [0.4, 0.35, 0.25], [0.2, 0.45, 0.35], [0.9, 0.1, 0]]
    found = made([0, 1, 2, 3], [1, 2, 3, 4], rows, unknown=0.5)
    assert [(one.start, one.end, one.name) for one in found.segments()] == [(0, 1, "a"), (1, 3, "unknown"), (3, 4, "a")]
    assert found.segments()[1].probability == pytest.approx(0.425)


def test_as_json_csv_and_text():
    found = made([0, 1.23456], [2, 3.23456], [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], top=2)
    rows = found.rows()
    assert rows[1] == {
        "video": "v.mp4",
        "start": 1.235,
        "end": 3.235,
        "class": "c",
        "probability": 0.7,
        "probabilities": {"c": 0.7, "b": 0.2},
    }
    said = json.loads(found.as_json())
    assert said["video"] == "v.mp4" and [one["class"] for one in said["segments"]] == ["a", "c"]
    assert said["windows"] == [{key: value for key, value in row.items() if key != "video"} for row in rows]
    table = list(csv.reader(found.as_csv().splitlines()))
    assert table[0] == [
        *("video", "start", "end", "class", "probability"),
        *("class_1", "probability_1", "class_2", "probability_2"),
    ]
    assert table[2] == ["v.mp4", "1.235", "3.235", "c", "0.7", "c", "0.7", "b", "0.2"]
    assert found.as_text().splitlines() == [
        "v.mp4: 2 windows",
        "      0.00 –     1.62 s  a 50.0 %",
        "      1.62 –     3.23 s  c 70.0 %",
    ]


def longer(path: Path, squares: Path) -> Path:
    """Write a video of 48 frames, 10 a second: four of the test videos one after the other."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"crf": "5"})
        stream.width = stream.height = 24
        stream.pix_fmt = "yuv420p"
        for video in sorted((squares / "test").iterdir()):
            for frame in open_video(video).frames(np.arange(12)):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        out.mux(stream.encode(None))
    return path


def test_a_window_is_predicted_as_a_video_of_its_own(predictor, squares, tmp_path):
    path = longer(tmp_path / "long.mp4", squares)
    found = timeline(predictor, path, 1.2, 0.6, top=1)
    assert len(found) == 7 and found.video == str(path) and found.probabilities.shape == (7, 2)
    assert found.starts == pytest.approx(0.6 * np.arange(7)) and found.ends == pytest.approx(0.6 * np.arange(7) + 1.2)
    frames = open_video(path).frames(np.arange(48))
    for (start, _, said), first in zip(found.windows(), range(0, 37, 6), strict=True):
        alone = predictor.predict(frames[first : first + 12], top=1)
        assert start == pytest.approx(first / 10) and said.classes == alone.classes and len(said.classes) == 1
        assert said.probabilities == pytest.approx(alone.probabilities, abs=1e-6)


def test_windows_that_are_computed_together_are_the_same(predictor, squares, tmp_path):
    path = longer(tmp_path / "long.mp4", squares)
    alone = timeline(predictor, path, 1.2, 0.5)
    together = timeline(Predictor(predictor.run, together=3), path, 1.2, 0.5)
    assert together.probabilities == pytest.approx(alone.probabilities, abs=1e-6) and len(alone) == 9


def test_folders_and_arrays_have_windows_by_a_rate(predictor, squares):
    folder = squares / "test" / "left_0"
    found = timeline(predictor, folder, 0.5, fps=12)
    assert len(found) == 2 and found.ends.tolist() == [0.5, 1]
    frames = open_video(folder).frames(np.arange(12))
    assert (timeline(predictor, frames, 0.5, fps=12).probabilities == found.probabilities).all()
    with pytest.raises(UserError, match=r"left_0 does not say how many frames make a second; give the rate \(--fps\)"):
        timeline(predictor, folder, 0.5)
    whole = timeline(predictor, folder, 60, fps=12)
    assert len(whole) == 1 and whole.ends.tolist() == [1]
    assert whole.probabilities[0].max() == pytest.approx(predictor.predict(folder).probability, abs=1e-6)
