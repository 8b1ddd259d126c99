"""A first Ctrl-C is noted and left to the loop, a second one is Python's; threads leave cores to the loaders."""

import os
import signal
import subprocess
import sys

import pytest
import torch

from glad import process
from glad.process import fabric_of, interruptible, leave_cores


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


GIVE_BACK = """
import numpy as np
from glad.process import keep_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

kept = keep_memory()
np.ones(2**26, np.uint8)
before = resident()
keep_memory()
print(kept, before - resident())
"""


def test_memory_that_was_kept_is_given_back_before_more_is_kept():
    kept, given = subprocess.run(
        [sys.executable, "-c", GIVE_BACK], capture_output=True, text=True, check=True
    ).stdout.split()
    if kept == "False":
        pytest.skip("the C library has no such settings")
    assert int(given) > 2**25


REUSE = """
import resource, sys
import numpy as np
from glad.process import keep_memory

kept = sys.argv[1] == "keep" and keep_memory()
faults = 0
for number in range(6):
    if number == 2:
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**26, np.uint8)
print(kept, (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults) * resource.getpagesize())
"""


def test_memory_that_is_kept_is_not_cleared_anew():
    def measured(how: str) -> tuple[bool, int]:
        done = subprocess.run([sys.executable, "-c", REUSE, how], capture_output=True, text=True, check=True)
        kept, taken = done.stdout.split()
        return kept == "True", int(taken)

    kept, taken = measured("keep")
    if not kept:
        pytest.skip("the C library has no such settings")
    assert taken < measured("leave")[1] / 10


def test_tf32_is_how_single_precision_is_multiplied():
    try:
        for precision, told, multiplied in (
            ("tf32", "32-true", "high"),
            ("32-true", "32-true", "highest"),
            ("bf16-mixed", "bf16-mixed", "highest"),
        ):
            assert fabric_of(1, precision)._precision.precision == told
            assert torch.get_float32_matmul_precision() == multiplied
    finally:
        torch.set_float32_matmul_precision("highest")


def test_only_several_devices_are_told_that_parameters_may_rest():
    from lightning_fabric.strategies import DDPStrategy

    (one, two) = (fabric_of(devices, "32-true").strategy for devices in (1, 2))
    assert not isinstance(one, DDPStrategy) and isinstance(two, DDPStrategy)
    assert two._ddp_kwargs == {"find_unused_parameters": True}
