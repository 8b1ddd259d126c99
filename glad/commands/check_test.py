"""`glad check` on the command line: what it prints, and with which status it leaves."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from glad.cli import main

RECIPE = "mini-source-only"


@pytest.fixture
def desk(squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with copies of the lists of `squares` and links to its videos."""
    for name in ("source", "target", "test"):
        shutil.copy(squares / f"{name}.txt", tmp_path)
        (tmp_path / name).symlink_to(squares / name)
    shutil.copy(squares / "classes.txt", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left(*words: str) -> int:
    """Return the status with which `glad check` leaves."""
    try:
        main(["check", *words, "--workers", "0"])
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code
    return 0


def test_status_0_1_and_2(desk, capsys):
    words = ("source.txt", "--root", "source", "--classes", "classes.txt", "--recipe", RECIPE)
    assert left(*words) == 0
    out = capsys.readouterr().out
    assert out.startswith("source.txt\n  8 rows, labelled, of 8 videos\n") and out.endswith("no problems, 8 notes\n")
    assert f"clips of {RECIPE}" in out and "0 left" in out and "\x1b" not in out
    with Path("source.txt").open("a") as lines:
        lines.write("left_9 12 0\n")
    assert left(*words) == 1
    assert "line 9: there is no video at source/left_9" in capsys.readouterr().out
    assert left("none.txt") == 2
    assert "no list and no folder of videos at none.txt" in capsys.readouterr().err


def test_classes_beside_the_list_name_the_table_where_they_fit(desk, capsys):
    assert left("source.txt", "--no-files") == 0
    told = capsys.readouterr()
    assert "left" in told.out and told.err == "source.txt: the classes are called as in classes.txt\n"
    table = told.out
    assert left("source.txt", "--no-files", "--classes", "classes.txt") == 0
    assert capsys.readouterr() == (table, "")
    Path("named.csv").write_text("path,label\na.mp4,right\nb.mp4,left\n")
    assert left("named.csv", "--no-files", "--json") == 0
    told = capsys.readouterr()
    assert [count["name"] for count in json.loads(told.out)["lists"][0]["classes"]] == ["left", "right"]
    assert "called as in classes.txt" in told.err
    for names, why in (
        ("left\nright\nup\n", "has not just its classes; --classes classes.txt"),
        ("a\na\n", "more than"),
    ):
        Path("classes.txt").write_text(names)
        assert left("source.txt", "--no-files") == 0
        told = capsys.readouterr()
        assert "left" not in told.out.replace("left_", "") and "classes.txt is not used" in told.err and why in told.err
    Path("plain.txt").write_text("left_0 12\n")
    assert left("plain.txt", "--no-files", "--unlabelled") == left("plain.txt", "--no-files") == 0
    assert capsys.readouterr().err == ""


def test_json_and_the_cleaned_list(desk, capsys):
    with Path("source.txt").open("a") as lines:
        lines.write("left_9 12 0\nleft_0 12 0\n")
    words = ("source.txt", "--root", "source", "--recipe", RECIPE)
    assert left(*words, "--write-clean", "clean.txt", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["missing"] == found["counts"]["duplicate"] == 1
    assert found["cleaned"]["sha256"] == hashlib.sha256(Path("clean.txt").read_bytes()).hexdigest()
    assert Path("clean.txt").read_text() == "".join(Path("source.txt").read_text().splitlines(keepends=True)[:8])
    assert json.loads(Path("clean.txt.json").read_text())["rows"] == 8
    assert left("clean.txt", *words[1:]) == 0


def test_several_lists_and_those_to_be_apart_from(desk, capsys):
    assert left("source.txt", "target.txt", "--no-files", "--recipe", RECIPE) == 1  # they share names, and so paths
    assert "files not looked at: not asked for" in capsys.readouterr().out
    shutil.copy("target.txt", "other.txt")
    assert left("target.txt", "--root", "target", "--against", "other.txt", "--recipe", RECIPE) == 1
    assert "problem (8): videos of two lists that must share none" in capsys.readouterr().out


def test_no_labels(desk, capsys):
    Path("target.txt").write_text("left_0 0 12\n")
    assert left("target.txt", "--root", "target", "--unlabelled", "--recipe", RECIPE) == 0
    assert "1 row, without labels, of 1 video\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("source.txt", "target.txt", "--write-clean", "x.txt"), "--write-clean goes with one list"),
        (("source.txt", "--write-clean", "source.txt"), "another file"),
        ((RECIPE, "--root", "source"), "--root goes with lists"),
        ((RECIPE, "--unlabelled"), "--unlabelled goes with lists"),
        (("mini-gald",), "did you mean 'mini-glad'?"),
        (("source.txt", "--recipe", "mini-gald"), "did you mean 'mini-glad'?"),
        (("source.txt", "--overlap", "0"), "--overlap 0"),
        (("source.txt", "--show", "-1"), "--show -1"),
    ],
)
def test_a_users_mistake_is_one_sentence(words, said, desk, capsys):
    assert left(*words) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("glad: ") and error.count("\n") == 1


def test_a_recipe_is_checked_with_all_it_needs(desk, capsys):
    assert left(RECIPE) == 1
    out = capsys.readouterr().out
    assert "problem (5): lists that cannot be read" in out and "`glad train` makes this benchmark" in out
