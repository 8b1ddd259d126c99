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


def test_no_worker_is_this_process_and_one_is_another(tmp_path: Path):
    assert [*results(own_process, [tmp_path / "a"], 0)] == [(tmp_path / "a", os.getpid())]
    [(_, other)] = results(own_process, [tmp_path / "a"], 1)
    assert isinstance(other, int) and other != os.getpid()
    assert [*results(halved, [2, 4, 6], 0)] == [(2, 1), (4, 2), (6, 3)]
    assert [*results(halved, [], 8)] == []


@pytest.mark.parametrize("things, workers", [([13], 8), ([2, 13, 4, 6, 8, 10], 1), ([2, 13, 4, 6, 8, 10], 2)])
def test_a_process_that_dies_takes_only_its_own_thing_with_it(things: list[int], workers: int):
    found = dict(results(halved, things, workers))
    assert isinstance(found.pop(13), Died)
    assert found == {thing: thing // 2 for thing in things if thing != 13}


def test_what_is_raised_there_is_raised_here():
    with pytest.raises(ValueError, match="3 is odd"):
        dict(results(halved, [2, 3, 4], 2))
    with pytest.raises(ValueError, match="3 is odd"):
        dict(results(halved, [3], 0))


def test_cores():
    assert 1 <= cores() <= (os.cpu_count() or 1)
