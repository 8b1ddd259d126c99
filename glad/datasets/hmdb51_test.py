"""HMDB51: 1 is training, 2 is test, 0 is neither, whatever is in the names of the files."""

import pytest

from glad.datasets.found import Entry
from glad.datasets.hmdb51 import read_hmdb51
from glad.errors import UserError

CLIMB = "Ein Bär klettert_climb_f_0.avi 1\n#1_Hands_Up!_climb_u_0.avi 2 \nunused_climb.avi 0\ngone_climb.avi 1\n"
LABELS = {"climb": 0, "kick_ball": 1}


@pytest.fixture
def splits(written):
    return [written("climb_test_split1.txt", CLIMB), written("kick_ball_test_split1.txt", "a_kick_ball.avi 2\n")]


def test_the_splits_are_the_official_ones(tree, splits):
    names = ("climb/Ein Bär klettert_climb_f_0.avi", "climb/#1_Hands_Up!_climb_u_0.avi", "climb/unused_climb.avi")
    found = read_hmdb51(tree("hmdb", *names, "kick_ball/a_kick_ball=3"), splits, LABELS)
    assert found.train == (Entry(names[0], 0),)
    assert found.test == (Entry(names[1], 0), Entry("kick_ball/a_kick_ball", 1))
    assert [tuple(one) for one in found.missing] == [("train", "climb/gone_climb", "it is not in climb")]


def test_an_umlaut_of_two_characters_is_the_same_name(tree, splits):
    found = read_hmdb51(tree("hmdb", "climb/Ein Ba\u0308r klettert_climb_f_0.avi"), splits, LABELS)
    assert [entry.path for entry in found.train] == ["climb/Ein Ba\u0308r klettert_climb_f_0.avi"]


def test_a_split_file_that_is_missing_or_odd_is_named(tree, splits, written):
    with pytest.raises(UserError, match=r"expected one annotation file kick_ball_test_split1.txt"):
        read_hmdb51(tree("hmdb"), splits[:1], LABELS)
    odd = written("climb_test_split1.txt", "a_climb.avi 3\n")
    with pytest.raises(UserError, match=r"climb_test_split1.txt line 1: expected `VIDEO.avi 0`, 1 or 2"):
        read_hmdb51(tree("hmdb"), [odd, splits[1]], LABELS)
