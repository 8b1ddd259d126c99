"""Boards show a run: TensorBoard in files, Weights & Biases by its own package, which a stand-in plays here."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from glad.board import board_of, check_board
from glad.errors import UserError
from glad.run import Run


@pytest.fixture
def run(tmp_path) -> Run:
    """A run folder that says what it is."""
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.recipe_file.write_text('{"name": "mine", "seed": 3}\n')
    run.environment.write_text('{"torch": "2"}\n')
    run.classes_file.write_text("jump\nrun\n")
    return run


class StandIn(ModuleType):
    """Plays the package wandb: takes down what is asked of it. `problem`, where there is one, is raised by `init`."""

    class Error(Exception):
        pass

    def __init__(self, problem: str = "") -> None:
        super().__init__("wandb")
        self.problem, self.begun, self.logged, self.metrics, self.ended = problem, [], [], [], []
        self.__spec__ = SimpleNamespace(name="wandb")

    def init(self, **options):
        if self.problem:
            raise self.Error(self.problem)
        self.begun.append(options)
        return SimpleNamespace(
            define_metric=lambda name, **options: self.metrics.append((name, options)),
            log=self.logged.append,
            finish=lambda exit_code: self.ended.append(exit_code),
        )

    def Settings(self, **options):
        return options

    def Image(self, pixels):
        return ("image", pixels.shape)


@pytest.fixture
def wandb(monkeypatch) -> StandIn:
    monkeypatch.setitem(sys.modules, "wandb", stand_in := StandIn())
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return stand_in


def test_tensorboard_shows_numbers_pictures_and_what_the_run_is(run):
    board = board_of("tensorboard", run, 0)
    board.scalars({"terms/class": 0.5}, 10)
    board.picture("seen/source", np.full((4, 6, 3), 200, np.uint8), 1)
    board.close(True)
    events = EventAccumulator(str(run.folder / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("terms/class")] == [(10, 0.5)]
    (image,) = events.Images("seen/source")
    assert (image.width, image.height, image.step) == (6, 4, 1)
    texts = {name: events.Tensors(f"{name}/text_summary")[0] for name in ("recipe", "environment", "classes")}
    assert b'{"name": "mine", "seed": 3}' in texts["recipe"].tensor_proto.string_val[0]
    assert texts["classes"].tensor_proto.string_val[0] == b"```\njump\nrun\n```"


def test_without_a_board_there_is_nothing_but_the_log(run):
    before = sorted(run.folder.iterdir())
    board = board_of("none", run, 0)
    board.scalars({"terms/class": 0.5}, 10)
    board.picture("seen/source", np.zeros((4, 6, 3), np.uint8), 1)
    board.close(True)
    assert sorted(run.folder.iterdir()) == before


def test_weights_and_biases_is_told_the_same(run, wandb):
    check_board("wandb")
    board = board_of("wandb", run, 0)
    board.scalars({"terms/class": 0.5, "lr": 0.1}, 10)
    board.picture("seen/source", np.zeros((4, 6, 3), np.uint8), 10)
    board.close(True)
    (options,) = wandb.begun
    assert options["project"] == "glad" and options["dir"] == options["name"] == str(run.folder)
    assert options["config"] == {
        "recipe": {"name": "mine", "seed": 3},
        "environment": {"torch": "2"},
        "classes": ["jump", "run"],
    }
    assert wandb.metrics == [("step", {}), ("*", {"step_metric": "step"})]
    assert wandb.logged == [
        {"terms/class": 0.5, "lr": 0.1, "step": 10},
        {"seen/source": ("image", (4, 6, 3)), "step": 10},
    ]
    assert wandb.ended == [0]


def test_a_resumed_training_goes_on_in_the_same_run_of_weights_and_biases_and_a_new_one_begins_another(run, wandb):
    for first in (0, 20, 0):
        board_of("wandb", run, first).close(good=first > 0)
    ids = [options["id"] for options in wandb.begun]
    assert ids[0] == ids[1] != ids[2] and all(options["resume"] == "allow" for options in wandb.begun)
    assert wandb.ended == [1, 0, 1]


def test_the_project_is_that_of_the_environment(run, wandb, monkeypatch):
    monkeypatch.setenv("WANDB_PROJECT", "ours")
    board_of("wandb", run, 0)
    assert wandb.begun[0]["project"] == "ours"


def test_weights_and_biases_that_is_not_installed_or_will_not_begin_is_one_sentence(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r'not installed: pip install "glad\[wandb\]"'):
        check_board("wandb")
    check_board("tensorboard")
    check_board("none")
    monkeypatch.setitem(sys.modules, "wandb", StandIn("api_key not configured (no-tty).\ncall wandb.login()"))
    with pytest.raises(UserError, match=r"did not begin \(api_key not configured \(no-tty\)\); log in by"):
        board_of("wandb", run, 0)
