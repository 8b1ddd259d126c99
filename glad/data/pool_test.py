import os
from pathlib import Path

import pytest

from glad.data.pool import Died, cores, results


def halved(number: int) -> int:
    if number == 13:
        os._exit(1)  # as a decoder does that accesses memory it must not
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


def own_process(path: Path) -> int:
    path.write_text(str(os.getpid()))
    return os.getpid()


@pytest.mark.parametrize("workers", [0, 1, 8])
def test_one_thing_or_one_worker_needs_no_other_process(workers: int, tmp_path: Path):
    assert [*results(own_process, [tmp_path / "a"], workers)] == [(tmp_path / "a", os.getpid())]
    assert [*results(halved, [2, 4, 6], min(workers, 1))] == [(2, 1), (4, 2), (6, 3)]
    assert [*results(halved, [], workers)] == []


def test_a_process_that_dies_takes_only_its_own_thing_with_it():
    found = dict(results(halved, [2, 13, 4, 6, 8, 10], 2))
    assert isinstance(found.pop(13), Died)
    assert found == {2: 1, 4: 2, 6: 3, 8: 4, 10: 5}


def test_what_is_raised_there_is_raised_here():
    with pytest.raises(ValueError, match="3 is odd"):
        dict(results(halved, [2, 3, 4], 2))
    with pytest.raises(ValueError, match="3 is odd"):
        dict(results(halved, [3], 1))


def test_cores():
    assert 1 <= cores() <= (os.cpu_count() or 1)
