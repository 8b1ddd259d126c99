"""Bad input ends with status 2 and one sentence that names the file, the line, and what to do; nothing is skipped."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

BACKGROUNDS = ("prepare", "backgrounds", "source.txt", "--root", "source", "--out", "stills", "--workers", "1")


def replaced(file: str, line: int, text: str) -> Callable[[Path], None]:
    """Return a deed that puts `text` in the place of one line of a list."""

    def deed(desk: Path) -> None:
        lines = (desk / file).read_text().splitlines(keepends=True)
        lines[line - 1] = text
        (desk / file).write_text("".join(lines))

    return deed


def own_copy(desk: Path, name: str) -> Path:
    """Put a copy of a folder of videos in the place of its link, and return it."""
    real = (desk / name).resolve()
    (desk / name).unlink()
    return Path(shutil.copytree(real, desk / name))


def without_frame(desk: Path) -> None:
    (own_copy(desk, "source") / "left_4" / "img_00003.jpg").unlink()


def short_span(desk: Path) -> None:
    (own_copy(desk, "source") / "left_4" / "img_00012.jpg").unlink()


def empty_frame(desk: Path) -> None:
    (own_copy(desk, "source") / "left_4" / "img_00003.jpg").write_bytes(b"")


def cut_frame(desk: Path) -> None:
    path = own_copy(desk, "source") / "left_4" / "img_00003.jpg"
    path.write_bytes(path.read_bytes()[:-40])


def without_folder(desk: Path) -> None:
    shutil.rmtree(own_copy(desk, "source") / "left_4")


def unreadable(desk: Path) -> None:
    (desk / "source.txt").write_bytes(b"left_0 12 \xff\xfe\x00")


def empty_list(desk: Path) -> None:
    (desk / "source.txt").write_text("\n")


def nothing(desk: Path) -> None:
    pass


IN_SOURCE = [
    pytest.param(replaced("source.txt", 3, "left_2 12\n"), ["source.txt line 3", "path frames label"], id="few fields"),
    pytest.param(
        replaced("source.txt", 3, "left_2 0 12 0\n"), ["source.txt line 3", "one form"], id="another form of row"
    ),
    pytest.param(replaced("source.txt", 3, "left_2 twelve 0\n"), ["source.txt line 3", "twelve"], id="not a number"),
    pytest.param(replaced("source.txt", 4, "right_3 12 2\n"), ["source.txt line 4", "label 2", "0..1"], id="label"),
    pytest.param(replaced("source.txt", 4, "right_3 0 1\n"), ["source.txt line 4", "0 frames"], id="no frames"),
    pytest.param(replaced("source.txt", 4, "../x 12 1\n"), ["source.txt line 4", "leads out"], id="out of the root"),
    pytest.param(without_folder, ["source.txt line 5", "source/left_4"], id="missing folder"),
    pytest.param(without_frame, ["source.txt line 5", "img_00003.jpg", "missing"], id="missing frame"),
    pytest.param(short_span, ["source.txt line 5", "img_00012.jpg", "holds 11 frames"], id="list counts too many"),
    pytest.param(empty_frame, ["source.txt line 5", "img_00003.jpg", "empty"], id="empty frame"),
    pytest.param(cut_frame, ["source.txt line 5", "img_00003.jpg", "cannot be decoded"], id="frame cut short"),
    pytest.param(unreadable, ["source.txt", "UTF-8"], id="not text"),
    pytest.param(empty_list, ["source.txt lists no videos"], id="empty list"),
]


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("deed, named", IN_SOURCE)
def test_bad_source_videos_stop_the_training(deed, named, workers, desk, glad_refuses):
    deed(desk)
    words = ("--batch-size", 8, "--source-views.length", 12, "--steps", 2)
    said = glad_refuses("train", "recipes.py:my-source", "--out", "run", "--workers", workers, *words)
    assert all(part in said for part in named), said


# Labels are not looked at where backgrounds are made.
@pytest.mark.parametrize("deed, named", [case for case in IN_SOURCE if case.id != "label"])
def test_bad_source_videos_stop_the_backgrounds(deed, named, desk, glad_says, capsys):
    deed(desk)
    with pytest.raises(SystemExit) as left:
        glad_says(*BACKGROUNDS)
    said = capsys.readouterr().err
    assert left.value.code == 2 and said.startswith("glad: ") and "Traceback" not in said
    assert all(part in said for part in named), said


def test_one_broken_video_does_not_keep_the_other_backgrounds(desk, glad_says, capsys):
    without_frame(desk)
    with pytest.raises(SystemExit):
        glad_says(*BACKGROUNDS)
    assert "1 of 8 backgrounds could not be made" in capsys.readouterr().err
    assert len(list((desk / "stills").rglob("*.jpg"))) == 7


@pytest.mark.parametrize("broken", ["empty", "cut", "text"])
@pytest.mark.parametrize("command", ["train", "predict", "prepare"])
def test_broken_movies(broken, command, desk, glad_says, capsys):
    movie = own_copy(desk, "movies") / "source" / "left" / "left_4.mp4"
    whole = movie.read_bytes()
    movie.write_bytes({"empty": b"", "cut": whole[: len(whole) * 2 // 3], "text": b"no video at all" * 50}[broken])
    words = {
        "train": [
            *("train", "recipes.py:my-source", "--data.source.list", "movies/source", "--data.source.root", "None"),
            *("--out", "run", "--workers", "0", "--batch-size", "8"),
        ],
        "predict": ["predict", "run", str(movie)],
        "prepare": ["prepare", "backgrounds", "movies/source", "--out", "stills", "--workers", "1"],
    }[command]
    if command == "predict":
        glad_says("train", "recipes.py:my-source", "--out", "run", "--workers", 0, "--steps", 1)
    with pytest.raises(SystemExit) as left:
        glad_says(*words)
    said = capsys.readouterr().err
    assert left.value.code == 2 and "left_4.mp4" in said and "Traceback" not in said
    assert {"empty": "is an empty file", "cut": "left_4.mp4", "text": "cannot be opened as a video"}[broken] in said


@pytest.mark.parametrize(
    "deed, words, named",
    [
        (nothing, ["--data.source.list", "nowhere.txt"], ["nowhere.txt", "no list"]),
        (nothing, ["--data.source.root", "nowhere"], ["source.txt line", "there is no video at nowhere/"]),
        (nothing, ["--data.classes", "left", "right", "up"], ["source.txt", "no video of class up"]),
        (nothing, ["--data.classes", "nowhere.txt"], ["nowhere.txt", "cannot be read"]),
        (nothing, ["--data.classes", "None"], ["source.txt", "data.classes"]),
        (nothing, ["--batch-size", "9"], ["8 videos", "--batch-size"]),
        (replaced("classes.txt", 2, "left\n"), [], ["classes.txt", "'left' more than once"]),
    ],
)
def test_data_that_do_not_fit_stop_the_training(deed, words, named, desk, glad_refuses):
    deed(desk)
    said = glad_refuses("train", "recipes.py:my-source", "--out", "run", "--workers", 0, *words)
    assert all(part in said for part in named), said


def test_missing_backgrounds_are_told_with_the_command_that_makes_them(desk, glad_refuses):
    said = glad_refuses("train", "recipes.py:my-glad", "--out", "run", "--workers", 0)
    assert "left_0.jpg" in said and "glad prepare backgrounds" in said
    assert not (desk / "run" / "warmup").exists()


def test_bad_target_videos_are_named_as_such(desk, glad_says, glad_refuses):
    glad_says(*BACKGROUNDS)
    (own_copy(desk, "target") / "right_1" / "img_00002.jpg").unlink()
    words = ("--data.backgrounds", "stills", "--batch-size", 8, "--after.batch-size", 8)
    said = glad_refuses("train", "recipes.py:my-glad", "--out", "run", "--workers", 0, *words)
    assert "target.txt line 2" in said and "img_00002.jpg" in said


@pytest.mark.parametrize(
    "words, named",
    [
        (["frobnicate"], ["no command 'frobnicate'"]),
        (["evaluate"], ["at least one run folder"]),
        (["evaluate", "nowhere"], ["nowhere/recipe.json"]),
        (["predict", "nowhere", "a.mp4"], ["nowhere/recipe.json"]),
        (["report", "nowhere"], ["nowhere"]),
        (["report"], ["at least one run folder"]),
        (["train", "nope", "--out", "run"], ["no recipe called 'nope'"]),
        (["train", "k2b-gald", "--out", "run"], ["did you mean 'k2b-glad'"]),
        (["train", "nowhere.py", "--out", "run"], ["nowhere.py: no such file"]),
        (["train", "nowhere.json", "--out", "run"], ["nowhere.json"]),
        (["train", "recipes.py", "--out", "run"], ["my-glad", "my-source"]),
        (
            ["train", "recipes.py:my-source", "--out", "recipes.py"],
            ["recipes.py cannot be written: a file is where a folder should be"],
        ),
        (["train", "recipes.py:my-source", "--out", "run", "--steps", "0"], ["steps"]),
        (["train", "recipes.py:my-source", "--out", "run", "--epochs", "-1"], ["epochs"]),
        (["train", "recipes.py:my-source", "--out", "run", "--batch-size", "0"], ["batch_size"]),
        (["train", "recipes.py:my-source", "--out", "run", "--optim.lr", "-1"], ["lr"]),
        (["train", "recipes.py:my-source", "--out", "run", "--seed", "-1"], ["seed"]),
        (["train", "recipes.py:my-source", "--out", "run", "--source-views.length", "0"], ["length"]),
        (["train", "recipes.py:my-source", "--out", "run", "--method.dropout", "3"], ["dropout"]),
        (["train", "recipes.py:my-glad", "--out", "run", "--after.seed", "3"], ["--seed, not --after.seed"]),
    ],
)
def test_what_cannot_be_done_is_one_sentence(words, named, desk, capsys):
    from glad.cli import main

    with pytest.raises(SystemExit) as left:
        main(words)
    said = capsys.readouterr().err
    assert left.value.code == 2 and "Traceback" not in said
    assert all(part in said for part in named), said
    assert not (desk / "run").exists()


def test_a_misspelt_field_in_ones_own_file_is_told_with_its_line(desk, glad_refuses):
    text = (desk / "recipes.py").read_text()
    (desk / "recipes.py").write_text(text.replace("dropout=0.0", "dropuot=0.0"))
    said = glad_refuses("train", "recipes.py:my-source", "--out", "run")
    line = next(n for n, row in enumerate(text.splitlines(), start=1) if "dropout=0.0" in row)
    assert f"recipes.py line {line}" in said and "did you mean 'dropout'?" in said


def test_a_run_without_a_checkpoint_or_with_a_broken_one(desk, glad_says, glad_refuses):
    glad_says("train", "recipes.py:my-source", "--out", "run", "--workers", 0, "--steps", 1)
    last = desk / "run" / "last.pt"
    last.write_bytes(last.read_bytes()[:100])
    for words in (["evaluate", "run"], ["predict", "run", "test/left_0"]):
        assert "last.pt: cannot be read as a checkpoint" in glad_refuses(*words)
    last.unlink()
    assert "no checkpoint" in glad_refuses("evaluate", "run")


def test_a_bad_test_list_is_found_by_evaluation(desk, glad_says, glad_refuses):
    glad_says("train", "recipes.py:my-source", "--out", "run", "--workers", 0, "--steps", 1)
    replaced("test.txt", 2, "right_1 0 12 7\n")(desk)
    said = glad_refuses("evaluate", "run", "--workers", 0)
    assert "test.txt line 2" in said and "label 7" in said
    assert not (desk / "run" / "scores.json").exists()


def test_predict_refuses_what_is_no_video(desk, glad_says, glad_refuses):
    glad_says("train", "recipes.py:my-source", "--out", "run", "--workers", 0, "--steps", 1)
    assert "recipes.py" in glad_refuses("predict", "run", "recipes.py")
    assert "nowhere" in glad_refuses("predict", "run", "test/left_0", "nowhere")
    (desk / "empty").mkdir()
    assert "empty holds neither numbered images" in glad_refuses("predict", "run", "empty")
    gap = own_copy(desk, "test") / "left_0"
    (gap / "img_00003.jpg").unlink()
    assert "left_0 has a gap: img_00003.jpg" in glad_refuses("predict", "run", gap)
