"""`glad export`, `push` and `pull` from the command line."""

import json
import shutil
from pathlib import Path

import pytest

from glad.cli import main
from glad.run import Run
from glad.training import train


@pytest.fixture(scope="module")
def trained(square_recipe, tmp_path_factory) -> Run:
    return train(square_recipe(), tmp_path_factory.mktemp("share_commands") / "run", workers=0)


@pytest.fixture
def desk(trained, tmp_path, monkeypatch) -> Path:
    """The current folder, with a run in it."""
    shutil.copytree(trained.folder, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_export_says_how_close_it_is(desk, capsys):
    main(["export", "run", "--format", "torch", "--out", "out"])
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("out/model.pt2: 0.") and said[0].endswith("of the run's")
    assert said[1].startswith("out/model.json: ")
    assert json.loads((desk / "out" / "model.json").read_text())["classes"] == ["left", "right"]


def test_both_formats_at_once(desk, capsys):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra export")
    main(["export", "run", "--format", "onnx", "torch"])
    assert sorted(path.name for path in (desk / "exported").iterdir()) == ["model.json", "model.onnx", "model.pt2"]


def test_a_run_goes_to_a_folder_and_comes_back(desk, squares, capsys):
    main(["push", "run", "./out", "--license", "mit"])
    assert capsys.readouterr().out == "published: out\n"
    main(["pull", "./out", "back"])
    assert capsys.readouterr().out == "fetched: back\n"
    words = [str(squares / "test"), "--json"]
    main(["predict", "run", *words])
    before = capsys.readouterr().out
    main(["predict", "back", *words])
    assert capsys.readouterr().out == before and before


def test_code_that_comes_along_is_told(desk, capsys):
    (desk / "run" / "code").mkdir()
    (desk / "run" / "code" / "mine.py").write_text("raise SystemExit('it ran')\n")
    main(["push", "run", "out"])
    main(["pull", "out", "back"])
    assert "was not run; read it, then: glad --code back/code/mine.py predict back VIDEO" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, said",
    [
        ("export nowhere --format torch", "is nowhere a run folder"),
        ("push nowhere out", "is nowhere a run folder"),
        ("pull nowhere out", "nowhere is no published run"),
        ("export run --format", "name at least one format"),
    ],
)
def test_mistakes_are_one_sentence(words, said, desk, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    assert said in "".join(capsys.readouterr())
