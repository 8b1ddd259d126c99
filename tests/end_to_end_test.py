"""From files on disk to scores, predictions and a page, by the commands that a user types."""

import json
import subprocess
import sys

import pytest

from glad.run import Run

FAST = ("--workers", "0")


def test_a_newcomers_way_through_all_commands(desk, glad_says):
    assert "8 backgrounds made" in glad_says(
        *("prepare", "backgrounds", "source.txt", "--root", "source", "--out", "backgrounds", "--workers", 1)
    )
    assert "0 backgrounds made, 8 were there" in glad_says(
        *("prepare", "backgrounds", "source.txt", "--root", "source", "--out", "backgrounds", "--workers", 1)
    )

    train = ("train", "recipes.py:my-glad", "--out", "runs/glad", *FAST)
    train += ("--optim.lr", "1e-3", "--after.steps", 2, "--method.order-weight", 0.3)
    said = glad_says(*train)
    assert "runs/glad" in said
    run = Run(desk / "runs" / "glad")
    assert run.recipe.optim.lr == 1e-3 and run.recipe.method.order_weight == 0.3  # pyright: ignore
    assert run.recipe.warmup().steps == 2 and run.recipe.warmup().optim.lr == 3e-3  # pyright: ignore
    assert run.checkpoint()["step"] == 6 and run.warmup.checkpoint()["step"] == 2
    assert glad_says(*train) == said

    said = glad_says("evaluate", "runs/glad", *FAST)
    assert "4 target test videos" in said and "checkpoint 'last'" in said and "mean class accuracy" in said
    scores = json.loads(run.scores.read_text())
    assert scores["select"] == "last" and scores["support"] == [2, 2] and sum(map(sum, scores["confusion"])) == 4
    rows = [json.loads(line) for line in run.predictions.read_text().splitlines()]
    assert [row["path"] for row in rows] == ["left_0", "right_1", "left_2", "right_3"]
    assert all(abs(sum(row["probabilities"]) - 1) < 1e-5 for row in rows)
    counted = [[0, 0], [0, 0]]
    for row in rows:
        counted[row["label"]][row["probabilities"].index(max(row["probabilities"]))] += 1
    assert counted == scores["confusion"]
    assert (run.folder / "confusion.csv").read_text().splitlines()[0] == "true \\ predicted,left,right"

    said = glad_says("predict", "runs/glad", "movies/test/left_0.mp4", "test/right_1", "--json")
    found = [json.loads(line) for line in said.splitlines()]
    assert [one["video"] for one in found] == ["movies/test/left_0.mp4", "test/right_1"]
    assert found[1]["probabilities"][found[1]["class"]] == pytest.approx(max(rows[1]["probabilities"]), abs=2e-6)
    assert all(one["class"] in ("left", "right") and len(one["probabilities"]) == 2 for one in found)
    assert glad_says("predict", "runs/glad", "test/right_1", "--top", 1).count("%") == 1

    glad_says("report", "runs/glad", "--out", "page.html", "--title", "My squares")
    page = (desk / "page.html").read_text()
    assert "My squares" in page and "my-glad" in page
    assert {path.name for path in run.folder.iterdir()} == {
        *("recipe.json", "environment.json", "classes.txt", "log.jsonl", "last.pt", "tensorboard", "warmup", ".lock"),
        *("predictions.jsonl", "scores.json", "selection.json", "confusion.csv", "confusion.png"),
        *("data.json", "features.safetensors"),
    }


def test_a_run_is_repeated_from_its_own_recipe(desk, glad_says):
    glad_says("train", "recipes.py:my-source", "--out", "a", *FAST, "--seed", 5)
    glad_says("train", "a/recipe.json", "--out", "b", *FAST)
    a, b = (Run(desk / name).checkpoint()["method"] for name in "ab")
    assert all(a[name].equal(b[name]) for name in a)


def test_class_folders_flat_folder_and_csv_of_movies(desk, glad_says):
    glad_says("prepare", "backgrounds", "movies/source", "--out", "stills", "--workers", 1)
    assert (desk / "stills" / "left" / "left_0.jpg").exists()
    words = ("--data.source.list", "movies/source", "--data.source.root", "None", "--data.target.list", "movies/target")
    words += ("--data.target.root", "None", "--data.target.no-labelled", "--data.test.list", "movies/test.csv")
    words += ("--data.test.root", "None", "--data.classes", "None", "--data.backgrounds", "stills", "--after.steps", 2)
    glad_says("train", "recipes.py:my-glad", "--out", "run", *FAST, *words)
    run = Run(desk / "run")
    assert run.classes == ("left", "right")
    glad_says("evaluate", "run", *FAST)
    rows = [json.loads(line) for line in run.predictions.read_text().splitlines()]
    expected = [("test/left_0.mp4", 0), ("test/right_1.mp4", 1), ("test/left_2.mp4", 0), ("test/right_3.mp4", 1)]
    assert [(row["path"], row["label"]) for row in rows] == expected


def test_source_only_learns_eight_videos_by_heart(desk, glad_says):
    """Motion is all that tells the classes apart; the test list is that of the source."""
    words = ("--data.test.list", "source.txt", "--data.test.root", "source", "--steps", 200, "--batch-size", 8)
    glad_says("train", "recipes.py:my-source", "--out", "run", *FAST, *words)
    glad_says("evaluate", "run", *FAST)
    run = Run(desk / "run")
    log = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert log[0]["terms"]["class"] > 0.5 > 0.1 > log[-1]["terms"]["class"]
    assert json.loads(run.scores.read_text())["mean_class_accuracy"] == 1.0


def test_recipes_are_listed(glad_says):
    said = glad_says("recipes")
    assert "k2b-glad " in said and "mini-source-only" in said
    assert all(len(line.split(None, 1)) == 2 for line in said.splitlines()), "a recipe says nothing about itself"


def test_a_misspelt_field_is_met_with_the_nearest_name(desk, capsys):
    from glad.cli import main

    for words, meant in (
        (["--optim.lrr", "1"], "--optim.lr "),
        (["--method.dropuot", "1"], "--method.dropout "),
        (["--after.stepz", "1"], "--after.steps "),
    ):
        with pytest.raises(SystemExit) as left:
            main(["train", "recipes.py:my-glad", "--out", "run", *words])
        assert left.value.code == 2
        assert meant in capsys.readouterr().err
    assert not (desk / "run").exists()


def test_the_help_of_a_recipe_lists_its_fields_with_their_values(desk, capsys):
    from glad.cli import main

    with pytest.raises(SystemExit) as left:
        main(["train", "recipes.py:my-glad", "--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert left.value.code == 0
    assert "--optim.lr FLOAT base learning rate. (default: 0.003)" in said
    assert "--after.steps {None}|INT" in said and "--method.align" in said


@pytest.mark.slow
def test_the_package_runs_as_a_module_and_a_pipe_may_close_early(desk):
    done = subprocess.run([sys.executable, "-m", "glad", "recipes"], capture_output=True, text=True)
    assert done.returncode == 0 and "k2b-glad" in done.stdout and done.stderr == ""
    piped = subprocess.run(f"{sys.executable} -m glad recipes | head -1", shell=True, capture_output=True, text=True)
    assert len(piped.stdout.splitlines()) == 1 and piped.stderr == ""
