"""The machine is described as it is."""

import os

from glad.machine import Machine, machine_at_hand


def test_it_is_this_one():
    found = machine_at_hand()
    assert found.cores == len(os.sched_getaffinity(0)) and 0.1 < found.memory < 1e5
    assert (found.gpu is None) == (found.gpu_memory == 0)


def test_it_reads_as_a_sentence():
    assert str(Machine(1, 3.6)) == "1 core, 4 GiB of memory, no GPU"
    assert str(Machine(16, 128, "H200", 139.8)) == "16 cores, 128 GiB of memory, H200 with 140 GiB"


def test_cores_are_left_for_training():
    assert [Machine(cores, 8).workers for cores in (1, 2, 3, 8, 64)] == [1, 1, 1, 4, 8]
