"""A run folder writes down what it is, refuses another recipe and a second process, and says what is broken."""

import fcntl
import json
import os
import sys
import threading
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from glad.errors import UserError
from glad.methods.glad import GladConfig
from glad.methods.supervised import SupervisedConfig
from glad.run import Run, difference, environment, whole


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path / "run")


def test_difference_names_the_first_field_that_differs_with_both_values():
    assert difference({"a": 1, "b": {"c": [1, 2]}}, {"a": 1, "b": {"c": [1, 2]}}) == ""
    assert difference({"a": 1, "b": {"c": 2.0}}, {"a": 1, "b": {"c": 3.0}}) == "b.c: 2.0 is not 3.0"
    assert difference({"a": 1}, {"a": 1, "b": "x"}) == "b: None is not 'x'"


def test_a_new_run_says_what_it_is(run, square_recipe):
    recipe = square_recipe()
    run.begin(recipe, ("left", "right"))
    assert run.recipe == recipe
    assert run.classes == ("left", "right")
    written = json.loads(run.environment.read_text())
    assert written["packages"]["torch"] == metadata.version("torch")
    assert set(written) == set(environment())


def test_the_same_recipe_may_begin_again_and_nothing_is_rewritten(run, square_recipe):
    run.begin(square_recipe(), ("left", "right"))
    run.save({"step": 1})
    before = run.environment.stat().st_mtime_ns, run.recipe_file.stat().st_mtime_ns
    run.begin(square_recipe(), ("left", "right"))
    assert before == (run.environment.stat().st_mtime_ns, run.recipe_file.stat().st_mtime_ns)


def test_a_folder_in_which_nothing_was_saved_takes_another_recipe(run, square_recipe):
    run.begin(square_recipe(), ("left", "right"))
    run.begin(square_recipe(seed=1), ("left", "right"))
    assert run.recipe.seed == 1


def test_another_recipe_is_refused_by_the_field_that_differs(run, square_recipe):
    run.begin(square_recipe(), ("left", "right"))
    run.save({"step": 1})
    with pytest.raises(UserError, match=r"another recipe \(method\.dropout: 0\.5 is not 0\.1\)"):
        run.begin(square_recipe(method=SupervisedConfig(dropout=0.1)), ("left", "right"))


def test_a_file_in_the_place_of_the_folder_is_one_sentence(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(UserError, match="run cannot be written: a file is where"), Run(tmp_path / "run").locked():
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is a thing of Linux")
def test_a_full_disk_is_one_sentence_and_the_checkpoint_before_stays(run, tmp_path, monkeypatch):
    def full(**names: object) -> tuple[int, str]:
        (tmp_path / "full").symlink_to("/dev/full")
        return os.open(tmp_path / "full", os.O_WRONLY), str(tmp_path / "full")

    run.save({"step": 1})
    monkeypatch.setattr("glad.files.tempfile.mkstemp", full)
    for call in (lambda: run.save({"step": 2}), lambda: run.keep(torch.nn.Linear(2, 2), 2)):
        with pytest.raises(UserError, match=r"pt cannot be written: no space left on device"):
            call()
    assert run.checkpoint()["step"] == 1


def test_a_locked_folder_is_refused_and_free_again_afterwards(run):
    with run.locked(), pytest.raises(UserError, match="another process is training here"), run.locked():
        raise AssertionError("two trainings in one folder")
    with run.locked():
        pass


def test_a_glance_at_the_lock_does_not_keep_a_training_from_its_folder(run):
    run.folder.mkdir(exist_ok=True)
    glance = (run.folder / ".lock").open("w")
    fcntl.flock(glance, fcntl.LOCK_SH)
    threading.Timer(0.02, glance.close).start()
    with run.locked():
        pass


def test_the_step_of_a_checkpoint_is_known_without_reading_its_tensors(run, monkeypatch):
    run.save({"method": {"w": torch.arange(3.0)}, "step": 7})
    reads = []
    monkeypatch.setattr(
        torch, "load", lambda path, load=torch.load, **how: (reads.append(how["mmap"]), load(path, **how))[1]
    )
    found = run.checkpoint(mapped=True)
    assert reads == [True] and found["step"] == 7 and torch.equal(found["method"]["w"], torch.arange(3.0))


def test_a_checkpoint_comes_back_as_it_was_saved(run):
    run.save({"method": {"w": torch.arange(3.0)}, "optimizer": {}, "step": 7})
    found = run.checkpoint()
    assert found["step"] == 7 and torch.equal(found["method"]["w"], torch.arange(3.0))
    assert [path.name for path in run.folder.iterdir()] == ["last.pt"]


def test_the_backbone_state_has_the_names_inside_the_backbone(run):
    run.save({"method": {"backbone.conv.weight": torch.ones(1), "classifier.weight": torch.zeros(1)}})
    assert list(run.child_state("backbone")) == ["conv.weight"]


def test_a_checkpoint_that_is_missing_or_broken_is_one_sentence(run):
    with pytest.raises(UserError, match="no checkpoint"):
        run.checkpoint()
    run.save({"method": {"w": torch.zeros(1000)}, "optimizer": {}, "step": 1})
    content = run.last.read_bytes()
    for broken in (b"", content[:100], content[: len(content) // 2], b"not a checkpoint"):
        run.last.write_bytes(broken)
        with pytest.raises(UserError, match=r"last\.pt: cannot be read as a checkpoint") as caught:
            run.checkpoint()
        assert "\n" not in str(caught.value)


def test_a_checkpoint_that_would_run_code_is_refused(run):
    class Sly:
        def __reduce__(self):
            return (print, ("ran",))

    run.save({"step": Sly()})
    with pytest.raises(UserError, match="cannot be read as a checkpoint"):
        run.checkpoint()


def test_a_run_folder_without_its_files_is_one_sentence(run):
    with pytest.raises(UserError, match=r"is .*run a run folder"):
        _ = run.recipe
    with pytest.raises(UserError, match=r"classes\.txt"):
        _ = run.classes


def test_a_resumed_log_forgets_what_will_be_done_again_and_what_was_cut_short(run):
    run.folder.mkdir()
    run.log.write_text('{"step": 10}\n{"step": 20}\n{"step": 30}\n{"step": 4')
    run.truncate_log(20)
    assert run.log.read_text() == '{"step": 10}\n{"step": 20}\n'


def test_only_a_line_with_its_end_is_whole():
    assert whole('{"step": 1}\n') and not whole('{"step": 1}') and not whole('{"step": 1\n')


def test_the_method_of_a_run_has_the_trained_weights_and_is_ready_to_predict(run, square_recipe):
    recipe = square_recipe()
    run.begin(recipe, ("left", "right"))
    torch.manual_seed(1)
    trained = recipe.method.build(recipe.backbone.build(), 2)
    run.save({"method": trained.state_dict(), "optimizer": {}, "step": 1})
    found = run.method()
    assert not found.training
    assert all(
        torch.equal(a, b) for a, b in zip(trained.state_dict().values(), found.state_dict().values(), strict=True)
    )


def test_a_folder_of_somebody_else_keeps_its_classes(run, square_recipe):
    run.folder.mkdir()
    run.classes_file.write_text("mine\n")
    with pytest.raises(UserError, match="is no run folder"):
        run.begin(square_recipe(), ("left", "right"))
    assert run.classes == ("mine",)


def test_other_classes_than_those_trained_on_are_refused(run, square_recipe):
    run.begin(square_recipe(), ("left", "right"))
    run.save({"step": 1})
    with pytest.raises(UserError, match="trained on the classes left, right, and the data now have right, left"):
        run.begin(square_recipe(), ("right", "left"))


class Elsewhere(SupervisedConfig):
    """A part of one's own code."""


def test_a_recipe_with_parts_of_ones_own_brings_their_code_along(run, square_recipe, monkeypatch):
    monkeypatch.setattr(Elsewhere, "__module__", "elsewhere")
    monkeypatch.setitem(sys.modules, "elsewhere", SimpleNamespace(__file__=__file__))
    run.begin(square_recipe(method=Elsewhere()), ("left", "right"))
    assert isinstance(run.recipe.method, Elsewhere)
    assert [path.name for path in run.folder.glob("code/*")] == ["run_test.py"]
    assert "class Elsewhere" in (run.folder / "code" / "run_test.py").read_text()


def test_a_recipe_of_the_package_brings_no_code(run, square_recipe):
    run.begin(square_recipe(), ("left", "right"))
    assert not (run.folder / "code").exists()


def chosen_by(rule: str, steps: list[int], step: int | None) -> str:
    return json.dumps({"rules": {rule: step}, "candidates": [{"step": one} for one in steps], "labels": []})


def test_the_last_checkpoint_is_a_candidate_and_so_are_those_kept_before_it(run):
    run.save({"step": 4, "method": {}})
    assert [step for step, _ in run.candidates()] == [4]
    for step in (10, 2, 4, 6):  # 4 is the last once more; 6 and 10 are of a training that got no further than 4 again
        run.keep(torch.nn.Linear(1, 1), step)
    (run.kept_file(2).parent / ".2.half.pt").write_bytes(b"")
    assert [(step, checkpoint["step"]) for step, checkpoint in run.candidates()] == [(2, 2), (4, 4)]


def test_the_selected_checkpoint_is_the_one_of_the_recipes_rule(run, square_recipe):
    run.begin(square_recipe(select="infomax", keep=2), ("left", "right"))
    run.save({"step": 4, "method": {}})
    assert run.selected()["step"] == 4  # nothing to choose from
    run.keep(torch.nn.Linear(1, 1), 2)
    with pytest.raises(UserError, match=r"no checkpoint is chosen by 'infomax' yet; run `glad evaluate` on it first"):
        run.selected()
    for step in (2, 4):
        run.selection.write_text(chosen_by("infomax", [2, 4], step))
        assert run.selected()["step"] == step
    run.selection.write_text(chosen_by("infomax", [2, 3], 2))  # of before the training went on
    with pytest.raises(UserError, match="`glad evaluate`"):
        run.selected()
    run.selection.write_text(chosen_by("infomax", [2, 4], None))
    with pytest.raises(UserError, match=r"'infomax' lacks the data to choose by"):
        run.selected()


def test_the_rule_last_needs_no_evaluation(run, square_recipe):
    run.begin(square_recipe(keep=2), ("left", "right"))
    run.keep(torch.nn.Linear(1, 1), 2)
    run.save({"step": 4, "method": {}})
    assert run.selected()["step"] == 4


def test_a_published_run_is_read_where_there_is_no_checkpoint(run, square_recipe):
    recipe = square_recipe(method=GladConfig(hidden=8, hidden_layers=1))
    run.begin(recipe, ("left", "right"))
    torch.manual_seed(1)
    state = recipe.untrained(2).state_dict()
    needed = {name: tensor for name, tensor in state.items() if name.split(".")[0] in ("backbone", "classifier")}
    assert len(needed) < len(state)
    save_file(needed, run.weights, {"step": "7"})
    assert run.checkpoint()["step"] == run.selected()["step"] == 7 and [step for step, _ in run.candidates()] == [7]
    found = run.method().state_dict()
    assert found.keys() == state.keys() and all(torch.equal(found[name], tensor) for name, tensor in needed.items())
    run.weights.unlink()
    save_file({name: tensor for name, tensor in needed.items() if "linear" not in name}, run.weights, {"step": "7"})
    with pytest.raises(UserError, match=r"weights\.safetensors does not fit .*recipe\.json: .*classifier\.linear"):
        run.method()


def test_a_published_run_is_not_trained_over(run, square_recipe):
    run.begin(square_recipe(), ("left", "right"))
    save_file({"backbone.x": torch.zeros(1)}, run.weights, {"step": "7"})
    with pytest.raises(UserError, match=r"holds a published run, .* choose another --out"):
        run.begin(square_recipe(), ("left", "right"))
