"""`glad predict` from the command line: options arrive, and the status tells how it went."""

import io
import shutil
import sys
from typing import get_args

import pytest

from glad.cli import main
from glad.commands.predict import Backend
from glad.fast import Backend as Engines
from glad.run import Run
from glad.training import train


@pytest.fixture(scope="module")
def trained(square_recipe, tmp_path_factory) -> Run:
    return train(square_recipe(), tmp_path_factory.mktemp("predict_command") / "run", workers=0)


@pytest.fixture
def desk(trained, squares, tmp_path, monkeypatch):
    """The current folder, with a run and a copy of the test videos in it."""
    shutil.copytree(trained.folder, tmp_path / "run")
    shutil.copytree(squares / "test", tmp_path / "test")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_engines_of_the_command_line_are_those_there_are():
    assert get_args(Backend) == get_args(Engines)


def test_a_pattern_and_stdin(desk, capsys, monkeypatch):
    main(["predict", "run", "test/left_*", "--top", "1"])
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["test/left_0", "test/left_2"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("test/right_1\ntest/left_0\n"))
    main(["predict", "run", "-", "--unknown", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in lines] == ["test/right_1: unknown", "test/left_0: unknown"]


def test_all_files_at_once(desk, capsys):
    files = ["--annotate", "out", "--saliency", "out", "--saliency-film", "--fps", "12"]
    main(["predict", "run", "test/left_0", *files])
    kinds = ("annotated.mp4", "saliency.mp4", "saliency.png")
    assert sorted(path.name for path in (desk / "out").iterdir()) == [
        *(f"left_0.{kind}" for kind in kinds),
        "saliency.csv",
    ]
    main(["predict", "run", "test/left_0", "--window", "0.5", "--stride", "0.25", "--timeline", "out", "--fps", "12"])
    assert (desk / "out" / "left_0.timeline.png").exists() and "3 windows" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--json"], ["--workers", "1"]])
def test_a_broken_video_among_others_is_status_1(desk, capsys, options):
    (desk / "test" / "left_2" / "img_00003.jpg").write_bytes(b"")
    with pytest.raises(SystemExit) as left:
        main(["predict", "run", "test", *options])
    said = capsys.readouterr()
    assert left.value.code == 1 and len(said.out.splitlines()) == 3 + (options == ["--json"])
    assert "left_2" in said.err and said.err.endswith("1 of 4 videos could not be read; they are named above\n")


@pytest.mark.parametrize(
    "words, told",
    [
        (["gone.mp4"], "there is no video at gone.mp4"),
        (["test", "gone.mp4"], "there is no video at gone.mp4"),
        (["*.webm"], "*.webm matches no video"),
        (["test", "0"], "0 is the number of a camera, and a camera is predicted alone"),
        (["test", "--top", "0"], "--top is 0"),
        (["test", "--timeline", "out"], "give --window SECONDS too"),
        ([], "name at least one video"),
    ],
)
def test_what_is_typed_wrong_is_one_sentence_before_anything_is_done(desk, capsys, words, told):
    with pytest.raises(SystemExit) as left:
        main(["predict", "run", *words])
    said = capsys.readouterr()
    assert left.value.code == 2 and said.out == "" and len(said.err.splitlines()) == 1
    assert said.err.startswith("glad: ") and told in said.err
    assert not (desk / "out").exists()
