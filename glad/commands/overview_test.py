"""`glad runs` prints a table or JSON, and says where it looked in vain."""

import json

import pytest

from glad.cli import main


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A current folder with two runs in `runs/`, the second with the better score."""
    monkeypatch.chdir(tmp_path)
    for name, score in (("a", 0.25), ("b", 0.5)):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        recipe = {"name": "mine", "seed": 0, "steps": 2, "method": {"kind": "glad.methods.glad:GladConfig"}}
        scores = {"mean_class_accuracy": score, "interval": [0.0, 1.0], "select": "last", "step": 2}
        (folder / "recipe.json").write_text(json.dumps(recipe))
        (folder / "scores.json").write_text(json.dumps(scores))
    return tmp_path / "runs"


def test_it_lists_the_runs_below_runs_or_a_folder(runs, capsys):
    main(["runs"])
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["run", "runs/a", "runs/b"] and "25.0  [0.0, 100.0]  last" in said[1]
    main(["runs", "runs/b"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["run", "runs/b"]


def test_it_prints_json_in_the_order_asked_for(runs, capsys):
    main(["runs", "--by", "score", "--json"])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["folder"] for one in found] == ["runs/b", "runs/a"] and found[0]["interval"] == [0.0, 100.0]


def test_no_run_and_no_folder_are_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["runs"])
    said = "glad: there is no folder runs; name the one that holds your runs: glad runs FOLDER\n"
    assert capsys.readouterr().err == said
    (tmp_path / "runs").mkdir()
    main(["runs"])
    assert capsys.readouterr().out == "no run below runs\n"
