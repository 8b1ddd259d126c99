"""Work is passed through unchanged, shown on a terminal and silent elsewhere."""

import io
import sys

import pytest

from glad.progress import progress, track


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


def test_nothing_is_shown_where_there_is_no_terminal(plain, capsys):
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


def test_a_failure_in_the_middle_is_passed_on(plain):
    with pytest.raises(KeyError), progress("steps", 3) as bar:
        bar.advance()
        raise KeyError("x")


def test_track_takes_an_item_only_when_it_is_asked_for(plain):
    taken = []
    items = track((taken.append(i) or i for i in range(5)), "items", 5)
    assert next(items) == 0 and taken == [0]
