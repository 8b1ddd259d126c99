"""No command takes fewer than no workers."""

import inspect
from typing import get_type_hints

import pytest

from glad.cli import COMMANDS, main
from glad.commands import videos
from glad.commands.runs import TrainOptions
from glad.commands.workers import Workers, WorkersOrCores

TAKING = [
    call
    for call in (
        *COMMANDS.values(),
        TrainOptions,
        videos.prepare_frames,
        videos.prepare_backgrounds,
        videos.prepare_mini,
    )
    if "workers" in inspect.signature(call).parameters
]


def test_all_that_take_workers_take_the_same():
    assert len(TAKING) > 10
    for call in TAKING:
        assert get_type_hints(call, include_extras=True)["workers"] in (Workers, WorkersOrCores), call


@pytest.mark.parametrize(
    "words", [["train", "mini-glad"], ["check", "a.txt"], ["prepare", "frames", "a", "--out", "b"]]
)
def test_fewer_than_none_are_refused(words, capsys):
    with pytest.raises(SystemExit) as left:
        main([*words, "--workers", "-1"])
    assert left.value.code == 2
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "Error parsing --workers: expected a number of processes, 0 or more, found -1" in said


def test_no_number_is_refused_and_none_is_one(capsys):
    with pytest.raises(SystemExit) as left:
        main(["demo", "--workers", "two"])
    assert left.value.code == 2 and "--workers" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["check", "none.txt", "--workers", "0"])
    assert "no list and no folder" in capsys.readouterr().err
