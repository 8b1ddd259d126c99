"""Folders of splits: training and validation, and a name for every class that is not there."""

import pytest

from glad.datasets.found import Entry
from glad.datasets.splitfolders import read_split_folders
from glad.errors import UserError

LABELS = {"drinking": 0, "pouring": 1}


def test_the_validation_folder_is_the_test_split(tree):
    root = tree(
        "mit",
        *("training/drinking/yt-a_1.mp4", "training/pouring/b=3", "training/walking/c.mp4"),
        *("validation/drinking/d e.mp4", "validation/pouring/readme.txt"),
    )
    found = read_split_folders(root, [], LABELS)
    assert found.train == (Entry("training/drinking/yt-a_1.mp4", 0), Entry("training/pouring/b", 1))
    assert found.test == (Entry("validation/drinking/d e.mp4", 0),)
    assert [one[:2] for one in found.missing] == [("test", "pouring")] and "holds no videos" in found.missing[0].why


def test_a_class_without_a_folder_is_missing(tree):
    found = read_split_folders(tree("k", "train/Drinking/a.mp4", "val/drinking/b.mp4"), [], LABELS)
    assert [one[:2] for one in found.missing] == [("train", "pouring"), ("test", "pouring")]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ((), "has no folder train or training; .* holds no folders at all"),
        (("drinking/a.mp4",), "has no folder train or training; expected train/CLASS/VIDEO below it$"),
        (("train/drinking/a.mp4",), "has no folder val or validation or validate"),
        (("train/x/a.mp4", "val/x/a.mp4"), "no video of any class that is asked for, such as drinking"),
        (("train/drinking=3", "val/x/a.mp4"), "holds images, where a class folder of videos was expected"),
        (("train/pouring/a.mp4", "train/Pouring/a.mp4", "val/x/a.mp4"), "two spellings of one class"),
    ],
)
def test_another_tree_is_refused(tree, paths, said):
    with pytest.raises(UserError, match=said):
        read_split_folders(tree("mit", *paths), [], LABELS)
