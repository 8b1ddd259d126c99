"""A first Ctrl-C is noted and left to the loop, a second one is Python's; threads leave cores to the loaders."""

import os
import signal

import pytest
import torch

from glad import process
from glad.process import interruptible, leave_cores


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_is_as_ever(number):
    caught = []
    before = signal.signal(number, lambda *_: caught.append("ours"))
    try:
        with interruptible() as seen:
            assert not seen
            os.kill(os.getpid(), number)
            assert seen == [number] and caught == []
            os.kill(os.getpid(), number)
            assert seen == [number] and caught == ["ours"]
        os.kill(os.getpid(), number)
        assert caught == ["ours", "ours"]
    finally:
        signal.signal(number, before)


def test_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError), interruptible():
        assert signal.getsignal(signal.SIGINT) is not before
        raise RuntimeError
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("workers, threads", [(0, 4), (1, 3), (4, 1), (9, 1)])
def test_threads_leave_cores_to_the_workers_but_never_all(workers, threads, monkeypatch):
    set_to = []
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(torch, "set_num_threads", set_to.append)
    leave_cores(workers)
    assert set_to == [threads]


def test_what_the_environment_says_is_respected(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(process.torch, "set_num_threads", lambda _: pytest.fail("the environment knows better"))
    leave_cores(0)
