"""The command line: what it answers, and with which status it leaves. tests/ run it all."""

import sys

import pytest

from glad.cli import COMMANDS, main, usage
from glad.errors import UserError


def test_usage_tells_every_command_in_one_sentence(capsys):
    for words in ([], ["--help"], ["-h"]):
        main(words)
        assert capsys.readouterr().out == usage() + "\n"
    lines = usage().splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    assert all(line.endswith(".") and len(line) <= 120 for line in lines)


@pytest.mark.parametrize("command", [*COMMANDS, "prepare backgrounds", "prepare mini", "train k2b-glad"])
def test_every_command_has_help_and_leaves_with_0(command, capsys):
    if command == "recipes":
        pytest.skip("takes nothing")
    with pytest.raises(SystemExit) as left:
        main([*command.split(), "--help"])
    assert left.value.code == 0
    assert f"usage: glad {command}" in capsys.readouterr().out


def test_a_users_mistake_is_one_sentence_and_status_2(monkeypatch, capsys):
    def command() -> None:
        raise UserError("train.txt line 3: no such thing")

    monkeypatch.setitem(COMMANDS, "recipes", command)
    with pytest.raises(SystemExit) as left:
        main(["recipes"])
    assert left.value.code == 2
    assert capsys.readouterr() == ("", "glad: train.txt line 3: no such thing\n")


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch):
    def command() -> None:
        raise AssertionError

    monkeypatch.setitem(COMMANDS, "recipes", command)
    with pytest.raises(AssertionError):
        main(["recipes"])


def test_ctrl_c_is_a_word_and_status_130(monkeypatch, capsys):
    def command() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(COMMANDS, "recipes", command)
    with pytest.raises(SystemExit) as left:
        main(["recipes"])
    assert left.value.code == 130 and capsys.readouterr().err == "glad: stopped\n"


def test_arguments_come_from_the_command_line_when_none_are_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["glad", "--help"])
    main()
    assert capsys.readouterr().out.startswith("usage: glad")
