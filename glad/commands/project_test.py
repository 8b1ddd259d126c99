"""`glad init` takes a name with or without its ending, and hands everything on."""

from pathlib import Path

import pytest

import glad.project
from glad.cli import main
from glad.project import Project


@pytest.mark.parametrize("name, file", [("mine", "mine.py"), ("mine.py", "mine.py"), ("a/b 2.0", "a/b 2.0.py")])
def test_what_is_said_is_handed_on(name, file, monkeypatch, capsys):
    monkeypatch.setattr(glad.project, "begin", lambda project, force: f"{project!r} {force}")
    main(["init", name, "--source", "s", "--target", "t"])
    plain = Project(Path(file), Path("s"), Path("t"))
    assert capsys.readouterr().out == f"{plain!r} False\n"
    words = ["--test", "e", "--classes", "c", "--target-labelled", "--backbone", "tsm", "--weights", "w"]
    words += ["--source-root", "sr", "--target-root", "tr", "--test-root", "er"]
    main(["init", name, "--source", "s", "--target", "t", *words, "--workers", "3", "--force"])
    full = Project(
        Path(file),
        Path("s"),
        Path("t"),
        Path("e"),
        Path("c"),
        True,
        "tsm",
        Path("w"),
        3,
        *map(Path, ("sr", "tr", "er")),
    )
    assert capsys.readouterr().out == f"{full!r} True\n"
