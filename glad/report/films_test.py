"""Which videos are shown follows a fixed rule, and a sheet holds their frames in reading order."""

import numpy as np
import pytest

from glad.report.films import ACROSS, DOWN, HEIGHT, MOST_FILMS, Films, sheet_of
from glad.report.record import RunRecord


def run(name: str, lines: list[tuple[int, int, float]], classes: int = 3) -> RunRecord:
    """Return a run that said of each video, of a true class, another class with some confidence."""
    found = RunRecord(path=None, label=name, classes=[f"c{k}" for k in range(classes)])  # pyright: ignore
    for number, (label, said, sure) in enumerate(lines):
        rest = np.full(classes, (1 - sure) / (classes - 1))
        rest[said] = sure
        found.predictions.append({"path": f"v{number}", "label": label, "probabilities": rest.tolist()})
    return found


def test_the_first_video_of_a_class_that_runs_disagree_about_else_the_first():
    one = run("one", [(0, 0, 0.9), (1, 2, 0.8), (0, 1, 0.7), (1, 2, 0.6)])
    other = run("other", [(0, 0, 0.9), (1, 0, 0.8), (0, 0, 0.7), (1, 2, 0.6)])
    films = Films([one, other], None).one_a_class()
    assert [(film.truth, film.path, film.sheet) for film in films] == [("c0", "v2", None), ("c1", "v1", None)]
    number, label, said = films[0].verdicts[0]
    assert (number, label) == (0, "one") and said is not None
    assert (said["name"], said["right"], said["sure"]) == ("c1", False, pytest.approx(0.7))
    many = run("many", [(k, k, 0.9) for k in range(40)], classes=40)
    assert len(Films([many], None).one_a_class()) == MOST_FILMS


def test_a_run_that_was_not_tested_on_a_video_says_nothing_of_it():
    one, other = run("one", [(0, 0, 0.9)]), run("other", [])
    assert Films([other, one], None).one_a_class()[0].verdicts[0] == (0, "other", None)


def test_the_hardest_are_sure_and_wrong_or_unsure_and_right():
    lines = [(0, 0, 0.9), (0, 1, 0.5), (0, 1, 0.8), (0, 0, 0.4), (0, 2, 0.99), (0, 2, 0.6), (0, 2, 0.7), (0, 0, 0.5)]
    [found] = Films([run("one", lines)], None).hardest()
    assert [film.path for film in found["wrong"]] == ["v4", "v2", "v6", "v5"]
    assert [film.path for film in found["right"]] == ["v3", "v7", "v0"]
    assert Films([run("none", [])], None).hardest() == []


@pytest.mark.parametrize(("count", "shape"), [(ACROSS * DOWN, (8, 6)), (1, (8, 6)), (40, (2 * HEIGHT, 30))])
def test_a_sheet_reads_like_text(count, shape):
    frames = np.stack([np.full((*shape, 3), 6 * number, np.uint8) for number in range(count)])
    sheet = sheet_of(frames)
    height = min(shape[0], HEIGHT)
    width = round(shape[1] * height / shape[0])
    assert sheet.shape == (DOWN * height, ACROSS * width, 3)
    cells = sheet[height // 2 :: height, width // 2 :: width, 0]
    expected = np.linspace(0, count - 1, ACROSS * DOWN).round().astype(int) * 6
    assert np.array_equal(cells.ravel(), expected)
