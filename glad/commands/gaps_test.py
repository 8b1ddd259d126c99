"""`glad gaps` measures what it is pointed at, goes on where it was, and says what it does not know."""

import json

import pytest

from glad.cli import main


@pytest.fixture
def words(squares, tmp_path):
    sides = ("source", "target")
    roots = [word for side in sides for word in (f"--{side}-root", str(squares / side))]
    lists = [str(squares / f"{side}.txt") for side in sides]
    return ["gaps", *lists, *roots, "--out", str(tmp_path / "out"), "--workers", "0", "--frames", "2"]


def test_the_pair_stands_in_the_table_and_again_in_json(words, squares, tmp_path, capsys):
    main([*words, "--classes", str(squares / "classes.txt"), "--name", "Squares"])
    text = capsys.readouterr().out
    assert "Kinetics→BABEL" in text and "Squares (measured)" in text and "fallback" in text
    assert text.splitlines()[-1] == f"written: {tmp_path / 'out'}/" + (
        "{lengths.svg,lengths.png,benchmarks.svg,benchmarks.png,classes.svg,classes.png,gaps.json}"
    )
    vectors = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*.npz")}
    assert vectors
    main([*words, "--classes", str(squares / "classes.txt"), "--name", "Squares", "--json"])
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "out" / "gaps.json").read_text()
    assert json.loads(printed)["classes"]["names"] == ["left", "right"]
    assert vectors == {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*.npz")}


def test_a_side_without_labels_is_told_the_flag(words, squares, tmp_path, capsys):
    """A plain folder is one with --target-unlabelled; as a labelled one it has no classes."""
    plain = [words[0], words[1], str(squares / "target"), "--source-root", str(squares / "source"), "--scene", "none"]
    with pytest.raises(SystemExit):
        main([*plain, "--out", str(tmp_path)])
    assert capsys.readouterr().err.endswith("; if it has no labels, say so by --target-unlabelled\n")
    main([*plain, "--out", str(tmp_path), "--target-unlabelled"])
    assert "→target (measured)" in capsys.readouterr().out and (tmp_path / "gaps.json").exists()
    (tmp_path / "t.csv").write_text("path,label\nleft_0,left\n")
    with pytest.raises(SystemExit):
        main([*plain[:2], str(tmp_path / "t.csv"), *plain[3:], "--out", str(tmp_path), "--target-unlabelled"])
    assert capsys.readouterr().err.endswith("; if it has labels, leave --target-unlabelled out\n")


@pytest.mark.parametrize(
    "more, problem",
    [
        (["--frames", "0"], "--frames is 0; it counts from 1"),
        (["--limit", "-2"], "--limit is -2; it counts from 1"),
        (["--scene", "top5"], "top5 counts scenes that Places365 names: give its weights"),
        (["--places", "none.pth.tar"], "none.pth.tar: there is no such file of weights"),
        (["--runs", "a", "b"], "a has no scores.json; score it first: glad evaluate a"),
        (["--classes", "none.txt"], "none.txt cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(more, problem, words, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main([*words, *more])
    assert left.value.code == 2 and problem in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["lengths.svg", "classes.png", "gaps.json"])
def test_charts_of_others_are_not_replaced(name, words, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(SystemExit):
        main(words)
    assert f"{name} was not written by glad and would be lost" in capsys.readouterr().err
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_folders_need_no_lists(shared_data, tmp_path, capsys):
    folder = shared_data / "pair_real8_to_mocap8"
    main(["gaps", str(folder / "source"), str(folder / "target"), "--scene", "none", "--out", str(tmp_path), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["source"]["videos"] == 39 and found["target"]["videos"] == 323 and len(found["classes"]["names"]) == 8
    assert found["scenes"] == {"missing": "was not asked for (--scene none)"}
    charts = ("benchmarks", "classes", "lengths")
    names = {"gaps.json", *(f"{name}.{kind}" for name in charts for kind in ("svg", "png"))}
    assert {path.name for path in tmp_path.iterdir()} == names
