"""The command line: what it answers, and with which status it leaves. tests/ run it all."""

import json
import subprocess
import sys
from importlib.metadata import version

import pytest

from glad.cli import COMMANDS, main, usage
from glad.errors import UserError
from glad.recipes.find import find_recipe


def test_usage_tells_every_command_in_one_sentence(capsys):
    for words in ([], ["--help"], ["-h"]):
        main(words)
        assert capsys.readouterr().out == usage() + "\n"
    lines = usage().split("\n\n")[1].splitlines()
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    assert all(line.endswith(".") and len(line) <= 120 for line in lines)


def test_the_version_is_told_without_torch():
    code = "import sys; from glad.cli import main; main(['--version']); sys.exit('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == f"glad {version('glad')}\n"


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


METHOD = """
from glad.methods.supervised import SupervisedConfig


class MineConfig(SupervisedConfig):
    pass
"""


def test_code_of_ones_own_is_run_only_when_it_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine_too.py").write_text(METHOD)
    recipe = tmp_path / "recipe.json"
    values = find_recipe("mini-source-only").model_dump()
    values["method"]["kind"] = "mine_too:MineConfig"
    recipe.write_text(json.dumps(values))
    monkeypatch.setitem(COMMANDS, "recipes", lambda: print(type(find_recipe(str(recipe)).method).__name__))
    with pytest.raises(SystemExit):
        main(["recipes"])
    assert (
        "runs no code; if you wrote it and trust it, name its file: glad --code mine_too.py" in capsys.readouterr().err
    )
    main(["--code", str(tmp_path / "mine_too.py"), "recipes"])
    assert capsys.readouterr().out == "MineConfig\n"


def test_code_needs_a_file_and_a_command(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--code", "mine.py"])
    assert left.value.code == 2 and "--code takes a Python file" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["check NAME", "show NAME", "gaps NAME NAME", "report NAME", "predict NAME b"])
def test_a_name_longer_than_a_file_can_have_is_one_sentence(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(words.replace("NAME", "a.b" * 100).split())
    assert left.value.code == 2 and capsys.readouterr().err == (
        f"glad: the name '{'a.b' * 20}…' is longer than that of a file may be\n"
    )
