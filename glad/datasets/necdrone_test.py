"""NEC-Drone: seven columns, four folders, both ends of a span inclusive, and labels that are checked."""

import pytest

from glad.datasets.benchmarks import KINETICS_NECDRONE
from glad.datasets.found import Entry
from glad.datasets.necdrone import read_necdrone
from glad.errors import UserError

LABELS = KINETICS_NECDRONE.raw["necdrone"]
DRONE = "NEC-Phantom-001"


@pytest.fixture
def lists(written):
    rows = f"{DRONE},A0001,P0001,V0001,2,4,0\n{DRONE},B0002,P0001,V0001,1,9,6\n{DRONE},A0001,P0002,V0001,1,9,0\n"
    return [
        written("NEC-Drone-7_Annotation_10102018_trainlist.csv", rows),
        written("NEC-Drone-7_Annotation_10102018_testlist.csv", f"{DRONE},B0001,P0003,V0001,1,3,5\n"),
    ]


def test_rows_become_spans(tree, lists):
    root = tree("nec", f"{DRONE}/A0001/P0001/V0001=4", f"{DRONE}/B0002/P0001/V0001=8", f"{DRONE}/B0001/P0003/V0001=3")
    found = read_necdrone(root, lists, LABELS)
    assert found.train == (Entry(f"{DRONE}/A0001/P0001/V0001", 0, 1, 3),)
    assert found.test == (Entry(f"{DRONE}/B0001/P0003/V0001", 5, 0, 3),)
    assert [one.why for one in found.missing] == [
        "frames 1 to 9, but the folder holds 1 to 8",
        "no such folder below the root",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("B0001,P0001,V0001,1,3,0", "expected to have labels 5 and 6"),
        ("A0001,P0001,V0001,1,3,6", "expected to have labels 5 and 6"),
        ("A0001,P0001,V0001,1,3,7", "label 7 is none of the seven"),
        ("A0001,P0001,V0001,²,3,0", "line 1: expected `drone,action"),
        (f"A0001,P0001,V0001,1,{'3' * 4400},0", "line 1: expected `drone,action"),
        ('"A0001\nP",P0001,V0001,1,3,0', "trainlist.csv is not a CSV of one row per line"),
        ("A0001,P0001,V0001,1,3", "line 1: expected `drone,action,actor,video,first,last,label`"),
    ],
)
def test_labels_that_count_otherwise_are_refused(tree, lists, written, row, said):
    odd = written("NEC-Drone-7_Annotation_10102018_trainlist.csv", f"{DRONE},{row}\n")
    with pytest.raises(UserError, match=said):
        read_necdrone(tree("nec"), [odd, lists[1]], LABELS)


def test_a_wrong_folder_is_said_in_one_sentence(tree, lists):
    with pytest.raises(UserError, match=r"none of the 4 annotated videos is below .*, such as NEC-Phantom-001/A0001"):
        read_necdrone(tree("nec"), lists, LABELS)
