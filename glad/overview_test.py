"""Runs are listed from their small files: in every state, in every order, broken ones by name, and quickly."""

import fcntl
import json
import os
import time
from pathlib import Path

import pytest

import glad.overview
from glad.overview import Listed, age_of, minutes_of, natural, ordered, progress_of, runs_below, text_of
from glad.training import train

PASS = 4  # steps


def line(step: int, seconds: float = 6.0) -> str:
    return json.dumps({"step": step, "epoch": step / PASS, "terms": {"class": 1.0}, "seconds_per_step": seconds}) + "\n"


def made(folder: Path, *steps: int, score: float | None = None, saved: bool = True, **fields: object) -> Path:
    """Make a run folder that has logged `steps`, and was scored after the last of them."""
    folder.mkdir(parents=True)
    recipe = {"name": "mine", "seed": 3, "steps": 20, "epochs": 5, "method": {"kind": "glad.methods.glad:GladConfig"}}
    (folder / "recipe.json").write_text(json.dumps(recipe | fields))
    (folder / "log.jsonl").write_text("".join(map(line, steps)))
    if saved:
        (folder / "last.pt").write_bytes(b"never read")
    if score is not None:
        scores = {"mean_class_accuracy": score, "interval": [score - 0.1, score + 0.1], "select": "infomax", "step": 10}
        (folder / "scores.json").write_text(json.dumps(scores))
        (folder / "selection.json").write_text(json.dumps({"rules": {"last": steps[-1]}, "candidates": []}))
    return folder


def states(root: Path) -> dict[str, str]:
    return {str(run.folder.relative_to(root)): run.cells()[4] for run in runs_below(root)}


def test_every_state_is_told_from_the_files(tmp_path):
    made(tmp_path / "a-evaluated", 10, 20, score=0.5)
    made(tmp_path / "b-trained", 10, 20)
    made(tmp_path / "c-interrupted", 10, 13)
    made(tmp_path / "d-never-saved", 10, saved=False)
    made(tmp_path / "e-by-passes", 10, 20, steps=None)
    made(tmp_path / "f-by-passes", 10, steps=None)
    made(tmp_path / "g-nothing-logged", steps=None, saved=False)
    again = made(tmp_path / "h-went-on", 10, score=0.5)
    (again / "log.jsonl").write_text(line(10) + line(20))
    (made(tmp_path / "i-published", saved=False) / "weights.safetensors").write_bytes(b"")
    cut = made(tmp_path / "j-cut", 10)
    (cut / "log.jsonl").write_text(line(10) + line(20)[:-9])
    assert states(tmp_path) == {
        "a-evaluated": "evaluated",
        "b-trained": "trained",
        "c-interrupted": "interrupted at 13 of 20",
        "d-never-saved": "interrupted at 0 of 20",
        "e-by-passes": "trained",
        "f-by-passes": "interrupted at 10 of 20",
        "g-nothing-logged": "interrupted at 0 of ?",
        "h-went-on": "trained",
        "i-published": "published",
        "j-cut": "interrupted at 10 of 20",
    }


def test_a_run_whose_folder_is_locked_is_running_and_may_go_on_being_so(tmp_path):
    folder = made(tmp_path / "run", 10)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert states(tmp_path) == {"run": "running at 10 of 20"}
        with pytest.raises(BlockingIOError), (folder / ".lock").open() as other:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert states(tmp_path) == {"run": "interrupted at 10 of 20"}
    with (folder / ".lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nothing holds it on


def test_a_real_training_is_listed_as_it_is(square_recipe, tmp_path, capsys):
    before = square_recipe(name="before", steps=3)
    recipe = square_recipe(after=before, steps=None, epochs=3, seed=7)  # 8 videos in batches of 4: 6 steps
    train(recipe, tmp_path / "whole", workers=0)
    train(recipe, tmp_path / "part", workers=0, stop_after=5)
    part, whole = runs_below(tmp_path)  # the stages before are no runs of their own
    assert (whole.state, whole.step, whole.steps, whole.recipe, whole.seed) == ("trained", 6, 6, "squares", 7)
    assert (part.state, part.step, part.steps, part.method) == ("interrupted", 5, 6, "Supervised")
    logs = [tmp_path / "whole" / name for name in ("log.jsonl", "warmup/log.jsonl")]
    assert whole.minutes == pytest.approx(sum(map(minutes_of, logs))) and minutes_of(logs[1]) > 0
    assert whole.age is not None and 0 <= whole.age < 300


def test_a_stage_that_is_under_way_is_listed_until_the_run_itself_begins(tmp_path):
    made(tmp_path / "run" / "warmup", 10, name="before")
    (found,) = runs_below(tmp_path)
    assert found.folder == tmp_path / "run" / "warmup" and found.recipe == "before"
    made(tmp_path / "other" / "warmup", 10)
    (tmp_path / "other" / "recipe.json").write_bytes((tmp_path / "other" / "warmup" / "recipe.json").read_bytes())
    assert list(states(tmp_path)) == ["other", "run/warmup"]


def test_what_is_broken_is_named_and_the_others_are_listed(tmp_path):
    good = made(tmp_path / "a", 20)
    for name, file, text in (
        ("cut", "recipe.json", '{"name": "x"'),
        ("empty", "recipe.json", "{}"),
        ("list", "recipe.json", "[]"),
        ("scores", "scores.json", "{"),
        ("scored", "scores.json", "{}"),
        ("log", "log.jsonl", "nothing}\n"),
        ("log0", "log.jsonl", '{"step": 1, "epoch": 0}\n'),
    ):
        (made(tmp_path / name, 20) / file).write_text(text)
    (made(tmp_path / "gone", 20) / "recipe.json").unlink()
    (made(tmp_path / "bytes", 20) / "recipe.json").write_bytes(b"\xff")
    assert {run.folder.name: run.problem for run in runs_below(tmp_path) if run.state == "broken"} == {
        "cut": "recipe.json is damaged",
        "bytes": "recipe.json is damaged",
        "empty": "its files do not say 'name'",
        "list": "its files are not those of a run",
        "scores": "scores.json is damaged",
        "scored": "its files do not say 'interval'",
        "log": "log.jsonl is damaged",
        "log0": "log.jsonl is damaged",
        "gone": "no recipe.json",
    }
    assert [run.folder for run in runs_below(tmp_path) if run.state != "broken"] == [good]
    said = text_of(runs_below(tmp_path)).splitlines()
    assert len(said) == 11 and said[5].startswith(str(tmp_path / "gone")) and said[5].endswith("  no recipe.json")


def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path, monkeypatch):
    made(tmp_path / "a", 20)
    (tmp_path / "b").mkdir()
    look = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: look(path) if Path(path).name != "b" else refused())
    assert [(run.folder.name, run.problem) for run in runs_below(tmp_path)] == [("a", ""), ("b", "permission denied")]


def refused() -> None:
    raise PermissionError(13, "Permission denied")


def test_links_are_followed_but_not_in_circles_and_hidden_folders_are_left_alone(tmp_path):
    made(tmp_path / "elsewhere" / "run", 20)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "runs" / "round").symlink_to(tmp_path / "runs")
    (tmp_path / "runs" / "nowhere").symlink_to(tmp_path / "gone")
    made(tmp_path / "runs" / ".hidden" / "run", 20)
    assert [run.folder for run in runs_below(tmp_path / "runs")] == [tmp_path / "runs" / "linked" / "run"]


def test_the_table_is_what_a_person_wants_to_know(tmp_path, monkeypatch):
    folder = made(Path(tmp_path / "run"), 10, 20, score=0.5)
    for file in folder.iterdir():
        os.utime(file, (1000.0, 1000.0))
    monkeypatch.setattr(glad.overview.time, "time", lambda: 1000.0 + 3 * 3600)
    monkeypatch.chdir(tmp_path)
    assert text_of(runs_below(Path("run"))).splitlines() == [
        "run  recipe  method  seed  state      score %  95 %          checkpoint        age  minutes",
        "run  mine    Glad       3  evaluated     50.0  [40.0, 60.0]  infomax, step 10  3 h      2.0",
    ]
    assert json.loads(runs_below(Path("run"))[0].as_json()) == {
        "folder": "run",
        "recipe": "mine",
        "method": "Glad",
        "seed": 3,
        "state": "evaluated",
        "step": 20,
        "steps": 20,
        "score": 50.0,
        "interval": [40.0, 60.0],
        "select": "infomax",
        "scored_step": 10,
        "age": 3 * 3600.0,
        "minutes": 2.0,
        "problem": "",
    }


def test_order_is_by_name_by_score_or_by_age():
    runs = [Listed(Path("a"), age=9.0), Listed(Path("b"), score=10.0, age=1.0), Listed(Path("c"), score=50.0)]
    assert [run.folder.name for run in ordered(runs, "name")] == ["a", "b", "c"]
    assert [run.folder.name for run in ordered(runs, "score")] == ["c", "b", "a"]
    assert [run.folder.name for run in ordered(runs, "age")] == ["b", "a", "c"]
    assert sorted(["run10", "run2", "3", "run"], key=natural) == ["3", "run", "run2", "run10"]
    assert [age_of(x) for x in (0, 99, 100, 5999, 6000, 172799, 172800)] == [
        *("0 s", "99 s", "2 min", "100 min", "2 h", "48 h", "2 d")
    ]


def test_of_a_long_log_the_end_alone_says_how_far_it_came(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text("".join(line(step, 0.6) for step in range(10, 30010, 10)))
    assert log.stat().st_size > glad.overview.TAIL
    assert progress_of(log) == (30000, PASS) and minutes_of(log) == pytest.approx(300.0)


def test_500_runs_are_listed_at_once(tmp_path):
    text = "".join(line(step) for step in range(10, 610, 10))
    for k in range(500):
        folder = made(tmp_path / f"recipe{k % 20}" / str(k), 20, score=0.5)
        (folder / "log.jsonl").write_text(text)
    began = time.process_time()
    assert len(runs_below(tmp_path)) == 500
    assert time.process_time() - began < 2.0  # 0.1 where it was written
