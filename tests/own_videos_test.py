"""Two folders of someone's own videos: from `glad init` to labels for those that had none."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glad.run import Run

INIT = ("init", "my project", "--source", "movies/source", "--target", "movies/target", "--workers", 1)
FAST = ("--workers", 0, "--after.steps", 2, "--batch-size", 4, "--after.batch-size", 4)


def test_from_two_folders_to_labels(desk, glad_says):
    (desk / "movies.test.csv").write_text((desk / "movies" / "test.csv").read_text().replace("test/", "movies/test/"))
    said = glad_says(*INIT, "--test", "movies.test.csv")
    assert "source: 8 labelled videos of 12 frames each" in said and "2 classes: left 4, right 4" in said
    assert "test: 4 labelled videos" in said and "backgrounds: 8 made, in my project-backgrounds" in said
    assert (desk / "my project-backgrounds" / "left" / "left_0.jpg").exists()

    said = glad_says("train", "my project.py", "--steps", 3, *FAST)
    assert said == "my project: 3 steps trained into runs/my project; score: glad evaluate runs/my project\n"
    run = Run(desk / "runs" / "my project")
    assert run.classes == ("left", "right") and run.warmup.checkpoint()["step"] == 2
    assert glad_says("train", "my project.py", "--steps", 3, *FAST) == said
    words = ("--workers", 0, "--steps", 2, "--batch-size", 4)
    assert "runs/my project-source-only" in glad_says("train", "my project.py:my project-source-only", *words)

    said = glad_says("evaluate", "runs/my project", "runs/my project-source-only", "--workers", 0)
    assert said.count("4 target test videos") == 2
    said = glad_says("predict", "runs/my project", "movies/target", "--json")
    found = [json.loads(line) for line in said.splitlines()]
    assert [one["video"] for one in found] == sorted(
        f"movies/target/{path.name}" for path in Path("movies/target").iterdir()
    )
    assert len(found) == 8 and all(one["class"] in ("left", "right") for one in found)
    said = glad_says("show", found[0]["video"], "--recipe", "my project.py", "--role", "target", "--draws", 1)
    assert "my project, as a target video" in said and (desk / "sampled.png").exists()


def test_it_trains_from_any_folder(desk, glad_says, monkeypatch):
    glad_says(*INIT)
    (desk / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(desk / "deep" / "down")
    glad_says("train", "../../my project.py", "--steps", 1, *FAST)
    assert Run(Path("runs/my project")).checkpoint()["step"] == 1


def test_evaluation_without_test_videos_says_what_is_missing(desk, glad_says, glad_refuses):
    (desk / "test").unlink()  # where the recipe file expects some, one day
    glad_says(*INIT)
    glad_says("train", "my project.py:my project-source-only", "--workers", 0, "--steps", 1, "--batch-size", 4)
    said = glad_refuses("evaluate", "runs/my project-source-only", "--workers", 0)
    assert "no list and no folder of videos" in said and "test" in said


def test_a_file_is_not_written_over_unless_forced(desk, glad_says, glad_refuses):
    Path("my project.py").write_text("mine")
    assert "my project.py is there already" in glad_refuses(*INIT)
    assert Path("my project.py").read_text() == "mine" and not Path("my project-backgrounds").exists()
    assert "written: my project.py" in glad_says(*INIT, "--force")


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_no_half_file_and_goes_on(desk, glad_says):
    words = [sys.executable, "-m", "glad", *map(str, INIT)]
    unbroken = glad_says(*INIT)
    expected = {path: path.read_bytes() for path in Path("my project-backgrounds").rglob("*.jpg")}
    text = Path("my project.py").read_text()
    for path in (*expected, Path("my project.py")):
        path.unlink()
    for wait in (1.0, 2.0, 2.5, 3.0, 4.0):
        started = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(wait)
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        if Path("my project.py").exists():
            assert Path("my project.py").read_text() == text
            Path("my project.py").unlink()
        assert all(path.read_bytes() == content for path, content in expected.items() if path.exists())
    # How many backgrounds the killed ones left is a matter of when they were killed; the lines before say the same.
    said, before = glad_says(*INIT).splitlines(), unbroken.splitlines()
    made = next(index for index, line in enumerate(before) if line.startswith("backgrounds: "))
    assert made > 0 and said[:made] == before[:made]
    assert Path("my project.py").read_text() == text
    assert {path: path.read_bytes() for path in expected} == expected
