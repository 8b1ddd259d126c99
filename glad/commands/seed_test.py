"""No command takes a seed that no generator would take."""

import pytest

from glad.cli import main
from glad.commands.seed import check_seeds

TAKING = ["train mini-glad --seed", "table 3 --seeds 0", "prepare mini --seed", "show a --seed"]


@pytest.mark.parametrize("words", TAKING)
@pytest.mark.parametrize("seed", ["-1", "9" * 30])
def test_a_seed_is_a_whole_number_from_0(words: str, seed: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main([*words.split(), seed])
    said = capsys.readouterr().err
    assert left.value.code == 2 and said.startswith("glad: ") and seed in said and said.count("\n") == 1


def test_all_that_are_seeds_are_taken():
    check_seeds(0, 1, 2**32, 2**63 - 1)
