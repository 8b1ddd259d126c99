"""Work is passed through unchanged, shown on a terminal, and told in a line a minute elsewhere."""

import io
import re
import sys

import pytest

import glad.progress
from glad.progress import duration, listened, progress, track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def plain(monkeypatch):
    """No variable of the environment says what a terminal is."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JUPYTER_COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


class Clock:
    """A clock that goes only when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(plain, monkeypatch) -> Clock:
    monkeypatch.setattr(glad.progress, "monotonic", clock := Clock())
    return clock


def test_a_line_a_minute_where_there_is_no_terminal(clock, capsys):
    """Ten steps every five seconds, of which the first hundred were made before."""
    with progress("training", 1000, "step", done=100) as bar:
        for k in range(36):
            clock.now += 5
            bar.advance(10, note=f"loss {k}")
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.splitlines() == [
        "training: 220 of 1000, 2 step/s, 6 min left, loss 11",
        "training: 340 of 1000, 2 step/s, 6 min left, loss 23",
        "training: 460 of 1000, 2 step/s, 4 min left, loss 35",
    ]
    assert "\x1b" not in shown.err and "\r" not in shown.err


def test_slow_and_quick_work_is_told_as_it_is(clock, capsys):
    with progress("runs", 3) as bar:
        clock.now += 61
        bar.advance(0, note="a seed 0")
        clock.now += 1139
        bar.advance()
        bar.advance()
    with progress("rows", 90_000) as bar:
        clock.now += 60
        bar.advance(60_000)
    assert capsys.readouterr().err.splitlines() == [
        "runs: 0 of 3, a seed 0",
        "runs: 1 of 3, 0.00083 it/s, 40 min left",
        "rows: 60000 of 90000, 1000 it/s, 30 s left",
    ]
    assert [duration(seconds) for seconds in (0, 99, 100, 5900, 6000)] == ["0 s", "99 s", "2 min", "98 min", "1.7 h"]


def test_one_that_listens_is_told_instead_and_one_that_is_not_shown_is_silent(clock, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    lines = []
    with listened(lines.append), progress("steps", 10) as bar:
        for _ in range(4):
            clock.now += 0.5
            bar.advance()
    assert lines == ["steps: 2 of 10, 2 it/s, 4 s left", "steps: 4 of 10, 2 it/s, 3 s left"]
    with progress("steps", 10, shown=False) as bar:
        clock.now += 1e6
        bar.advance()
    assert terminal.getvalue() == ""


def test_what_is_over_soon_says_nothing_where_there_is_no_terminal(plain, capsys):
    assert list(track(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    with progress("steps", 10, done=4) as bar:
        bar.advance(2, note="loss 1.0")
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err == ""


def test_a_terminal_sees_the_title_the_count_and_the_note(plain, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("training", 10, "step", done=4) as bar:
        bar.advance(note="loss 0.5")
        bar.advance(2, note="loss 0.25")
    last = terminal.getvalue().split("training")[-1]
    assert "7/10" in last and "loss 0.25" in last
    assert capsys.readouterr().out == "", "standard output is for results"


def test_a_long_note_is_shown_to_its_end_below_the_bar(plain, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    note = ", ".join(f"align_{k} [0.{k}]" for k in range(10))  # brackets are no markup
    with progress("training", 10, "step") as bar:
        bar.advance(note=note)
    first, *below = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue().split("training")[-1]).splitlines()
    assert "1/10" in first and "align" not in first
    assert len(below) > 2 and " ".join(" ".join(below).split()) == note


def test_a_failure_in_the_middle_is_passed_on(plain):
    with pytest.raises(KeyError), progress("steps", 3) as bar:
        bar.advance()
        raise KeyError("x")


def test_track_takes_an_item_only_when_it_is_asked_for(plain):
    taken = []
    items = track((taken.append(i) or i for i in range(5)), "items", 5)
    assert next(items) == 0 and taken == [0]
