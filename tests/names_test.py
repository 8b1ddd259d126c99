"""Names of files that are not UTF-8 are refused with one sentence by every command, since lists and pages are UTF-8."""

import json
import shutil
from pathlib import Path

import pytest

from glad.cli import main

NAME = "b\udcff"  # as Python has the bytes b"b\xff"


def said_of(name: str) -> str:
    """Return the sentence about a name."""
    return rf"the name '{name}\udcff' is not UTF-8; no list can hold it, rename it"


@pytest.fixture
def desk(squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with class folders of frame folders, of which one has a name that is not UTF-8."""
    try:
        (tmp_path / NAME).mkdir()
    except OSError:
        pytest.skip("this file system holds UTF-8 alone")
    (tmp_path / NAME).rmdir()
    for side in ("good", "bad"):
        for name in ("left", "right"):
            for number in (0, 1):
                video = squares / "source" / f"{name}_{2 * number + (name == 'right')}"
                shutil.copytree(video, tmp_path / side / name / str(number))
    (tmp_path / "bad" / "right" / "1").rename(tmp_path / "bad" / "right" / NAME)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence with which a command is left with status 2."""
    with pytest.raises(SystemExit) as left:
        main(words.split(" "))
    assert left.value.code == 2
    said = capsys.readouterr()
    assert said.err.startswith("glad: ") and said.err.count("\n") == 1 and not said.out
    said.err.encode()
    return said.err


@pytest.mark.parametrize(
    "words",
    [
        "gaps bad good --scene none --out o",
        "gaps good bad --scene none --out o --target-unlabelled",
        "prepare frames bad --out o --workers 0",
        "prepare backgrounds bad --out o --workers 0",
    ],
)
def test_a_name_inside_a_folder(words: str, desk: Path, capsys: pytest.CaptureFixture[str]):
    assert refused(words, capsys) == f"glad: bad: {said_of('right/b')}\n"
    assert not (desk / "o").exists()


@pytest.mark.parametrize(
    "words",
    [
        f"check {NAME} --json",
        f"gaps good {NAME}",
        f"init {NAME} --source good --target good",
        f"prepare lists ucf-hmdb --source {NAME} --out o",
        f"show {NAME}",
        f"predict run {NAME}",
        f"{NAME}",
    ],
)
def test_a_name_among_the_words(words: str, desk: Path, capsys: pytest.CaptureFixture[str]):
    assert refused(words, capsys) == f"glad: {said_of('b')}\n"


def test_a_check_tells_it_and_goes_on(desk: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="1"):
        main(["check", "bad", "--json", "--workers", "0"])
    [finding] = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["level"] == "problem"]
    assert finding["kind"] == "row" and finding["text"] == f"bad: {said_of('right/b')}"


def test_a_project_is_not_begun(desk: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main(["init", "mine", "--source", "bad", "--target", "good/left", "--workers", "0"])
    assert said_of("right/b") in capsys.readouterr().err and not (desk / "mine.py").exists()


def test_lists_are_not_written(desk: Path, capsys: pytest.CaptureFixture[str]):
    for split in ("train", "val"):
        Path(f"kinetics/{split}/high jump").mkdir(parents=True)
        Path(f"kinetics/{split}/high jump/{NAME}.mp4").touch()
    said = refused("prepare lists kinetics-necdrone --source kinetics --out o", capsys)
    assert "b\\udcff.mp4' is not UTF-8; no list can hold it, rename it" in said and not Path("o").exists()
