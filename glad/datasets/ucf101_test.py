"""UCF101: official split 1, files or frame folders, and names for what is missing."""

import pytest

from glad.datasets.found import Entry
from glad.datasets.ucf101 import read_ucf101
from glad.errors import UserError

TRAIN = "Archery/v_Archery_g08_c01.avi 3\nBiking/v_Biking_g08_c01.avi 11\nBiking/v_Biking_g08_c02.avi 11\n"
TEST = "TaiChi/v_T.avi\nArchery/v_Archery_g01_c01.avi\nBiking/v_Biking_g01_c01.avi\r\n\nPunch/v_Punch_g01_c01.avi\n"
LABELS = {"Archery": 0, "Biking": 1, "Punch": 1}


@pytest.fixture
def lists(written):
    return [written("trainlist01.txt", TRAIN), written("testlist01.txt", TEST)]


def test_the_splits_are_the_official_ones(tree, lists):
    root = tree(
        "ucf",
        *("Archery/v_Archery_g08_c01.avi", "Archery/v_Archery_g01_c01.avi", "Archery/v_Archery_g09_c01.avi"),
        *("Biking/v_Biking_g08_c01=2", "Biking/v_Biking_g01_c01.AVI", "TaiChi/v_T.avi", "Biking/notes.txt"),
    )
    found = read_ucf101(root, lists, LABELS)
    assert found.train == (Entry("Archery/v_Archery_g08_c01.avi", 0), Entry("Biking/v_Biking_g08_c01", 1))
    assert found.test == (Entry("Archery/v_Archery_g01_c01.avi", 0), Entry("Biking/v_Biking_g01_c01.AVI", 1))
    assert [tuple(one) for one in found.missing] == [
        ("train", "Biking/v_Biking_g08_c02", "it is not in Biking"),
        ("test", "Punch/v_Punch_g01_c01", "its class folder is not there"),
    ]


def test_the_lists_may_be_given_by_their_folder(tree, lists):
    root = tree("ucf", "Archery/v_Archery_g08_c01.avi")
    assert read_ucf101(root, [lists[0].parent], LABELS) == read_ucf101(root, lists, LABELS)


def test_a_folder_too_high_is_told_where_the_classes_are(tree, lists):
    root = tree("data", "UCF-101/Archery/v_Archery_g08_c01.avi", "other/readme.txt")
    with pytest.raises(UserError, match=r"none of the 6 videos .* holds UCF-101, other; .*did you mean .*/UCF-101\?"):
        read_ucf101(root, lists, LABELS)


def test_a_wrong_folder_and_a_missing_list_are_said_in_one_sentence(tree, lists, tmp_path):
    with pytest.raises(UserError, match=r"none of the 6 videos .* holds no folders; give the folder that holds"):
        read_ucf101(tree("empty"), lists, LABELS)
    with pytest.raises(UserError, match="nowhere cannot be listed: no such file"):
        read_ucf101(tmp_path / "nowhere", lists, LABELS)
    with pytest.raises(UserError, match=r"expected one annotation file testlist01.txt .*, none is given"):
        read_ucf101(tree("empty"), lists[:1], LABELS)


def test_a_line_in_another_form_is_named(tree, lists, written):
    bad = written("trainlist01.txt", "Archery/v_Archery_g08_c01.avi 3\nv_Biking_g08_c01.avi\n")
    with pytest.raises(UserError, match=r"trainlist01.txt line 2: expected `CLASS/VIDEO.avi`"):
        read_ucf101(tree("ucf"), [bad, lists[1]], LABELS)


def test_a_video_that_is_there_twice_is_refused(tree, lists):
    root = tree("ucf", "Archery/v_Archery_g08_c01.avi", "Archery/v_Archery_g08_c01=2")
    with pytest.raises(UserError, match=r"holds both v_Archery_g08_c01 and v_Archery_g08_c01.avi"):
        read_ucf101(root, lists, LABELS)
