"""Kinetics: class folders in any spelling, or any tree with the official CSVs."""

import pytest

from glad.datasets.found import Entry
from glad.datasets.kinetics import read_kinetics
from glad.errors import UserError

LABELS = {"high jump": 0, "punching person (boxing)": 1}
HEAD = "label,youtube_id,time_start,time_end,split,is_cc\n"
TRAIN = (
    HEAD + '"high jump",-9MNrY9iVo,10,20,train,0\npunching person (boxing),abc,0,10,train,0\nyoga,zzz,0,10,train,0\n'
)
VAL = HEAD + "high jump,def,5,15,val,0\nhigh jump,ghi,1,11,test,0\n"


def test_class_folders_may_be_spelled_with_underscores(tree):
    root = tree(
        "k400", "train/high_jump/a_000000_000010=2", "train/punching person (boxing)/b.mp4", "val/high jump/c.mp4"
    )
    found = read_kinetics(root, [], LABELS)
    assert found.train == (
        Entry("train/high_jump/a_000000_000010", 0),
        Entry("train/punching person (boxing)/b.mp4", 1),
    )
    assert found.test == (Entry("val/high jump/c.mp4", 0),)
    assert [one[:2] for one in found.missing] == [("test", "punching person (boxing)")]


def test_with_the_official_files_videos_may_lie_anywhere(tree, written):
    root = tree("k400", "x/-9MNrY9iVo_000010_000020.mp4", "y/z/def=2", "zzz.mp4", "ghi.mp4")
    found = read_kinetics(root, [written("train.csv", TRAIN), written("validate.csv", VAL)], LABELS)
    assert found.train == (Entry("x/-9MNrY9iVo_000010_000020.mp4", 0),) and found.test == (Entry("y/z/def", 0),)
    assert [tuple(one) for one in found.missing] == [("train", "abc_000000_000010", "it is not below the root")]


def test_other_csv_files_are_not_read(tree, written):
    root = tree("k400", "train/high_jump/a.mp4", "val/high_jump/b.mp4")
    assert len(read_kinetics(root, [written("other.csv", "a,b\n1,2\n"), written("empty.csv", "")], LABELS).train) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TRAIN, r"none of the 2 videos of .*train.csv is below .*, such as -9MNrY9iVo_000010_000020"),
        (HEAD + "yoga,a,0,10,train,0\n", "no video of any class asked for, such as high jump"),
        (HEAD + "high jump,a,zero,10,train,0\n", "train.csv line 2: expected label,youtube_id"),
        (HEAD + "high jump,a,inf,10,train,0\n", "train.csv line 2: expected label,youtube_id"),
        (HEAD + "high jump,a\n", "train.csv line 2: expected label,youtube_id"),
        (HEAD + '"high\njump",a,0,10,train,0\n', "train.csv is not a CSV of one row per line; a quoted value spans"),
    ],
)
def test_a_wrong_tree_or_file_is_said_in_one_sentence(tree, written, text, said):
    with pytest.raises(UserError, match=said):
        read_kinetics(tree("k400", "train/high_jump/q.mp4"), [written("train.csv", text)], LABELS)


def test_a_clip_in_two_places_is_refused(tree, written):
    root = tree("k400", "x/abc.mp4", "y/abc.mp4")
    with pytest.raises(UserError, match=r"holds abc twice, as x/abc.mp4 and as y/abc.mp4"):
        read_kinetics(root, [written("train.csv", TRAIN)], LABELS)
