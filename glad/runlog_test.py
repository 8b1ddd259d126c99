"""The log holds averages over ten steps, to be read while the run goes on and after it went wrong."""

import json

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from glad.batch import Losses
from glad.inputs import training_steps
from glad.methods.base import Needs
from glad.run import Run
from glad.runlog import EVERY, LOOKS, RunLog


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path)


def losses(value: float) -> Losses:
    term = torch.tensor(value, requires_grad=True)
    return Losses({"class": term, "order": 2 * term}, {"accuracy_class": torch.tensor(value / 100)})


def lines(run: Run) -> list[dict]:
    return [json.loads(line) for line in run.log.read_text().splitlines()]


def test_a_line_is_the_average_of_the_steps_since_the_last_one(run):
    assert EVERY == 10
    with RunLog(run, steps_per_epoch=4) as log:
        for done in range(1, 13):
            log.step(done, losses(float(done)), lr=0.5, waited=0.0)
            if done == EVERY:
                assert [line["step"] for line in lines(run)] == [10]  # to be read at once
    first, last = lines(run)
    assert first["terms"] == {"class": 5.5, "order": 11.0} and first["total"] == 16.5
    assert first["stats"]["accuracy_class"] == pytest.approx(0.055)
    assert last["terms"]["class"] == 11.5  # of steps 11 and 12
    assert (first["step"], first["epoch"], last["step"], last["epoch"]) == (10, 2.5, 12, 3.0)
    assert first["lr"] == 0.5 and first["seconds_per_step"] > 0


def test_the_note_repeats_the_latest_average_and_before_there_is_one_says_how_it_begins(run):
    stats = {"accuracy_class": torch.tensor(0.1), "accuracy_domain_global": torch.tensor(0.625)}
    with RunLog(run, 4, board="none") as log:
        log.since -= 10.0  # as if ten seconds had passed
        notes = [log.step(done, Losses(losses(float(done)).terms, stats), 0.1, waited=1.0) for done in (8, 9, 10, 11)]
    assert notes[0] == "class 8.000 order 16.000, domain accuracy global 0.62, data wait 10 %"
    assert notes[1] == "class 8.500 order 17.000, domain accuracy global 0.62, data wait 20 %"
    assert notes[2] == notes[3] == "class 9.000 order 18.000, domain accuracy global 0.62, data wait 30 %"


def test_the_share_of_time_spent_waiting_for_data_is_a_share(run):
    with RunLog(run, 4) as log:
        log.since -= 10.0  # as if ten seconds had passed
        log.step(10, losses(1.0), 0.1, waited=5.0)
    assert lines(run)[0]["data_wait"] == pytest.approx(0.5, abs=0.02)
    assert lines(run)[0]["seconds_per_step"] == pytest.approx(10, abs=0.5)


def test_what_was_logged_before_an_error_is_kept(run):
    with pytest.raises(RuntimeError), RunLog(run, 4) as log:
        log.step(1, losses(1.0), 0.1, 0.0)
        raise RuntimeError
    assert [line["step"] for line in lines(run)] == [1]


def test_a_resumed_log_forgets_what_is_done_again(run):
    for first, upto in ((0, 25), (20, 30)):
        with RunLog(run, 4, first) as log:
            for done in range(first + 1, upto + 1):
                log.step(done, losses(1.0), 0.1, 0.0)
    assert [line["step"] for line in lines(run)] == [10, 20, 30]


def test_a_board_shows_every_term_and_stat_once_per_step(run):
    for first, upto in ((0, 20), (10, 20)):
        with RunLog(run, 4, first) as log:
            for done in range(first + 1, upto + 1):
                log.step(done, losses(float(done)), 0.1, 0.0)
    events = EventAccumulator(str(run.folder / "tensorboard"))
    events.Reload()
    shown = {"terms/class", "terms/order", "stats/accuracy_class", "total", "lr", "seconds_per_step", "data_wait"}
    assert set(events.Tags()["scalars"]) == shown
    assert [(event.step, event.value) for event in events.Scalars("terms/class")] == [(10, 5.5), (20, 15.5)]
    assert [(event.step, event.value) for event in events.Scalars("total")] == [(10, 16.5), (20, 46.5)]


def test_pictures_of_what_is_seen_are_shown_at_the_start_and_now_and_then(run, square_recipe, monkeypatch):
    recipe = square_recipe()
    steps = training_steps(recipe, ("left", "right"), Needs(target=True), 0, 1)
    batch, shown = steps[0], []
    with RunLog(run, 4) as log:
        monkeypatch.setattr(log.board, "picture", lambda name, pixels, step: shown.append((name, step)))
        for step in range(20):
            batch.progress = step / 20
            log.look(steps, batch, step)
    assert LOOKS == 5 and shown == [
        (f"seen/{name}", step) for step in (0, 4, 8, 12, 16) for name in ("source", "target")
    ]
    shown.clear()
    for fields in ({"writes": False}, {"board": "none"}):
        with RunLog(run, 4, **fields) as log:
            log.look(steps, batch, 0)
    assert shown == []


def test_a_process_that_does_not_write_leaves_no_trace(run):
    with RunLog(run, 4, writes=False) as log:
        assert log.step(10, losses(1.0), 0.1, 0.0) == ""
    assert list(run.folder.iterdir()) == []


def test_an_empty_run_has_an_empty_log(run):
    with RunLog(run, 4):
        pass
    assert lines(run) == []
