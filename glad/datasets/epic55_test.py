"""EPIC-KITCHENS-55: verb segments of one kitchen as spans of published frames."""

import pytest

from glad.datasets.epic55 import kitchen_reader
from glad.datasets.found import Entry
from glad.errors import UserError

HEAD = (
    "uid,participant_id,video_id,narration,start_timestamp,stop_timestamp,start_frame,stop_frame,verb,verb_class,noun\n"
)
ROWS = (
    "0,P08,P08_01,open door,00:00:00.14,00:00:03.37,2,5,open,2,door\n"
    '1,P08,P08_01,"turn on light, slowly",00:00:04.37,00:00:06.17,6,7,turn-on,12,light\n'
    "2,P01,P01_01,close door,0,0,1,3,close,3,door\n"
    "3,P08,P08_01,close,0,0,0,99,close,3,door\n"
    "4,P08,P08_02,close,0,0,1,9,close,3,door\n"
    "5,P08,P08_01,close,0,0,20,30,close,3,door\n"
)
TEST = "," + HEAD + "7,0,P08,P08_14,open,0,0,4,4,open,2,x\n"
LABELS = {"2": 0, "3": 1}


@pytest.fixture
def train(written):
    return written("EPIC_train_action_labels.csv", HEAD + ROWS)


def test_frame_numbers_become_spans(tree, train, written):
    root = tree("epic", "rgb/train/P08/P08_01=10", "rgb/test/P08/P08_14=4", "rgb/train/P01/P01_01=9")
    found = kitchen_reader("D1")(root, [train, written("D1_test.csv", TEST)], LABELS)
    # Frames 2 to 5 of a folder that begins at 1: the four from the second on; 0 to 99 is cut to the folder's ten.
    place = "rgb/train/P08/P08_01"
    assert found.train == (Entry(place, 1, 0, 10), Entry(place, 0, 1, 4))
    assert found.test == (Entry("rgb/test/P08/P08_14", 0, 3, 1),)
    assert [tuple(one) for one in found.missing] == [
        ("train", "P08_02 frames 1 to 9", "the recording is not below the root"),
        ("train", "P08_01 frames 20 to 30", "the folder holds frames 1 to 10"),
    ]


def test_without_the_test_table_there_is_no_test_split(tree, train):
    found = kitchen_reader("D1")(tree("epic", "P08_01=10"), [train], LABELS)
    assert found.test == () and found.missing[0].name == "D1_test.csv" and "hold no labels" in found.missing[0].why


def test_what_does_not_fit_is_refused(tree, train, written):
    read = kitchen_reader("D1")
    with pytest.raises(UserError, match="no recording of P08 is below"):
        read(tree("empty"), [train], LABELS)
    with pytest.raises(UserError, match=r"P08_01.mp4 is a video file; EPIC's frame numbers count"):
        read(tree("videos", "P08_01.mp4"), [train], LABELS)
    with pytest.raises(UserError, match="no segment of participant P22"):
        kitchen_reader("D3")(tree("empty"), [train], LABELS)
    for odd in ('7,P08,P08_01,"two\nlines",0,0,1,9,open,2,door\n', '7,P08,P08_01,"never closed\n7,P08'):
        with pytest.raises(
            UserError, match=r"labels.csv is not a CSV of one row per line; a quoted value spans several"
        ):
            read(tree("empty"), [written("EPIC_train_action_labels.csv", HEAD + odd)], LABELS)
    for start in ("²", "1" * 4400, "", "1.5"):
        row = f"7,P08,P08_01,x,0,0,{start},9,open,2,door\n"
        with pytest.raises(UserError, match=r"labels.csv line 2: start_frame and stop_frame must be whole numbers"):
            read(tree("empty"), [written("EPIC_train_action_labels.csv", HEAD + row)], LABELS)
    with pytest.raises(UserError, match="no column start_frame, verb_class"):
        read(
            tree("empty"),
            [written("EPIC_train_action_labels.csv", "participant_id,video_id,stop_frame\na,b,1\n")],
            LABELS,
        )
