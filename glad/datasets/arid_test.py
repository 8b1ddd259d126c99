"""ARID: official split 1, and other suffixes in the lists than on disk."""

import pytest

from glad.datasets.arid import read_arid
from glad.datasets.found import Entry
from glad.errors import UserError

LABELS = {"Drink": 0, "Wave": 1}


@pytest.fixture
def lists(written):
    return [
        written(
            "ARID_split1_train.txt", "0\t0\tDrink/Drink_1_1.avi\n1\t8\tTurn/Turn_1_1.avi\n2\t10\tWave/Wave_1_1.avi\n"
        ),
        written("ARID_split1_test.txt", "0\t0\tDrink/Drink_2_1.avi\n"),
    ]


def test_videos_are_found_by_name_without_suffix(tree, lists):
    found = read_arid(tree("arid", "Drink/Drink_1_1.mp4", "Drink/Drink_2_1.mp4", "Turn/Turn_1_1.mp4"), lists, LABELS)
    assert (found.train, found.test) == ((Entry("Drink/Drink_1_1.mp4", 0),), (Entry("Drink/Drink_2_1.mp4", 0),))
    assert [tuple(one) for one in found.missing] == [("train", "Wave/Wave_1_1", "its class folder is not there")]


def test_a_line_in_another_form_is_named(tree, lists, written):
    odd = written("ARID_split1_test.txt", "Drink/Drink_2_1.avi 0\n")
    with pytest.raises(UserError, match=r"ARID_split1_test.txt line 1: expected `NUMBER LABEL CLASS/VIDEO`"):
        read_arid(tree("arid"), [lists[0], odd], LABELS)
