"""Jester: numbers and gestures, wherever the frame folders lie."""

import pytest

from glad.datasets.found import Entry
from glad.datasets.jester import read_jester
from glad.errors import UserError

LABELS = {"Rolling Hand Forward": 0, "Zooming In With Full Hand": 1}


@pytest.fixture
def files(written):
    train = "34870;Drumming Fingers\n7;Rolling Hand Forward\n8;Zooming In With Full Hand\n9;Rolling Hand Forward\n"
    return [written("jester-v1-train.csv", train), written("jester-v1-validation.csv", "10;Rolling Hand Forward\n")]


def test_gestures_are_picked(tree, files):
    found = read_jester(tree("jester", "v1/7=2", "v1/8=2", "v1/10=2", "v1/34870=2"), files, LABELS)
    assert (found.train, found.test) == ((Entry("v1/7", 0), Entry("v1/8", 1)), (Entry("v1/10", 0),))
    assert [tuple(one) for one in found.missing] == [("train", "9", "it is not below the root")]


def test_what_does_not_fit_is_refused(tree, files, written):
    with pytest.raises(UserError, match="none of the 4 videos asked for is below"):
        read_jester(tree("empty"), files, LABELS)
    with pytest.raises(UserError, match=r"jester-v1-train.csv line 1: expected `NUMBER;GESTURE`"):
        read_jester(tree("empty"), [written("jester-v1-train.csv", "7,Rolling Hand Forward\n"), files[1]], LABELS)
