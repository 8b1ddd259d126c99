"""`glad prepare lists` prints what it found, what is missing, and how to train on it."""

import json
import shlex

import pytest

from glad.cli import main
from glad.commands.runs import overridden
from glad.recipes.find import find_recipe


@pytest.fixture
def babel(tmp_path):
    part = {"raw_label": "x", "act_cat": ["jump"], "start_t": 1.0, "end_t": 2.0}
    for name, sid in (("train.json", "1"), ("val.json", "2")):
        table = {sid: {"babel_sid": 1, "dur": 3.0, "seq_ann": None, "frame_ann": {"labels": [part]}}}
        (tmp_path / name).write_text(json.dumps(table))
    return tmp_path


def test_counts_and_match_are_printed(babel, capsys):
    (babel / "released.txt").write_text("val/000002 30 30 0\nval/000003 1 30 0\n")
    words = ["prepare", "lists", "kinetics-babel", "--annotations", babel, "--out", babel / "out"]
    main([str(word) for word in [*words, "--compare", babel / "released.txt"]])
    said = capsys.readouterr().out
    assert "jump                        1            1" in said
    assert "released.txt and target test: 2 rows listed, 1 rebuilt: 1 (50.0% of those listed) are the same" in said
    assert said.endswith(f"2 lists in {babel / 'out'}; 0 missing, by name in {babel / 'out' / 'missing.txt'}\n")


def test_both_sides_end_in_the_commands_that_come_next(babel, capsys):
    for path in ("train/high_jump/a.mp4", "val/high_jump/b.mp4"):
        (babel / "k" / path).parent.mkdir(parents=True)
        (babel / "k" / path).touch()
    for split, sid in (("train", "000001"), ("val", "000002")):
        (babel / "b" / split).mkdir(parents=True)
        (babel / "b" / split / f"{sid}.mp4").touch()
    words = ["prepare", "lists", "kinetics-babel", "--source", babel / "k", "--target", babel / "b"]
    main([str(word) for word in [*words, "--annotations", babel, "--out", babel / "out"]])
    said = capsys.readouterr().out
    assert f"--data.source.list {babel / 'out' / 'source_train.csv'} --data.source.root {babel / 'k'}" in said
    assert "source train: no video of run, throw" in said and "54 missing" in said
    stills = babel / "out" / "backgrounds"
    backgrounds, train = said.splitlines()[-4:-2]
    made = f"glad prepare backgrounds {babel / 'out' / 'source_train.csv'} --root {babel / 'k'} --out {stills}"
    assert backgrounds == made
    assert train.startswith("glad train own-glad --data.classes") and train.endswith(f" --data.backgrounds {stills}")
    recipe = overridden(find_recipe("own-glad"), shlex.split(train)[3:], "glad")
    assert recipe.data.target.labelled and recipe.data.target.list == babel / "out" / "target_train.txt"


def test_a_mistake_ends_with_status_2_and_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["prepare", "lists", "ucf-hmdb", "--source", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"glad: there is no folder {tmp_path / 'nowhere'} (of ucf101)\n"


def test_a_list_that_would_be_replaced_is_not_compared(tmp_path):
    from glad.commands.lists import prepare_lists
    from glad.errors import UserError

    (tmp_path / "source_train.csv").write_text("path,label\n")
    with pytest.raises(UserError, match="is in --out and would be replaced before it is compared"):
        prepare_lists("ucf-hmdb", out=tmp_path, compare=(tmp_path / "source_train.csv",))
