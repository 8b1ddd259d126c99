"""BABEL: seconds become frames by one rule, and odd files are refused by name."""

import json

import pytest

from glad.datasets.babel import babel_rows, read_babel
from glad.datasets.benchmarks import KINETICS_BABEL
from glad.datasets.found import Entry
from glad.errors import UserError

LABELS = KINETICS_BABEL.raw["babel"]
JUMP, RUN, PICK = (KINETICS_BABEL.classes.index(name) for name in ("jump", "run", "pick_up"))


def stretch(start, end, *categories):
    return {"raw_label": "…", "act_cat": list(categories) or None, "start_t": start, "end_t": end}


def sequence(*stretches, dur=10.0, whole=()):
    return {
        "babel_sid": 1,
        "dur": dur,
        "feat_p": "x.npz",
        "seq_ann": {"labels": [{"act_cat": list(names)} for names in whole]},
        "frame_ann": {"labels": list(stretches)} if stretches else None,
    }


TRAIN = {
    "8998": sequence(stretch(2.1, 3.19, "take/pick something up"), stretch(0, 0.49, "jump"), stretch(5, 6)),
    "15": sequence(stretch(0, 0.5, "jump", "run", "stand"), whole=[("run",)]),
    "7": sequence(dur=2.25, whole=[("walk",), ("jump",)]),
    "9": {"babel_sid": 9, "dur": 3.0, "seq_ann": None, "frame_ann": None},
}


def test_the_rule_by_hand():
    # int(30 * 2.1) = 63 and int(30 * 3.19) = 95; 0.49 s are 14 frames, one too few; 2.25 s are 67.
    assert list(babel_rows(TRAIN, LABELS, "train")) == [
        Entry("train/008998", PICK, 63, 32),
        Entry("train/000015", JUMP, 0, 15),
        Entry("train/000015", RUN, 0, 15),
        Entry("train/000007", JUMP, 0, 67),
    ]


@pytest.fixture
def files(written):
    val = {"20": sequence(stretch(1, 3, "jump"))}
    return [written("train.json", json.dumps(TRAIN)), written("val.json", json.dumps(val))]


def test_without_a_folder_all_rows_are_given(files):
    found = read_babel(None, files, LABELS)
    assert len(found.train) == 4 and found.test == (Entry("val/000020", JUMP, 30, 60),) and not found.missing


def test_with_a_folder_rows_are_looked_for(tree, files):
    root = tree("babel", "train/008998=80", "train/000015=15", "train/000007.mp4", "val/000020=90")
    found = read_babel(root, files, LABELS)
    assert [entry.path for entry in found.train] == ["train/000007", "train/000015", "train/000015"]
    assert [tuple(one) for one in found.missing] == [("train", "train/008998 63 32", "it has 80 frames")]
    assert len(found.test) == 1
    with pytest.raises(UserError, match=r"none of the 5 stretches is below .*, such as train/008998"):
        read_babel(tree("wrong", "train/x=2", "val/x=2"), files, LABELS)


ROW = '{"1": {"dur": 1, "frame_ann": {"labels": [{"act_cat": ["jump"], "start_t": 0, "end_t": TIME}]}}}'
NO_TIMES = ("Infinity", "-Infinity", "NaN", "1e999")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", "expected an object of sequences"),
        ("{", "is not JSON"),
        ('{"a": 3}', "sequence a is not in BABEL's form"),
        ('{"1": {"dur": 1, "frame_ann": {"labels": [{"act_cat": ["jump"]}]}}}', "sequence 1 .*: it has no 'start_t'"),
        *((ROW.replace("TIME", time), "sequence 1 is not in BABEL's form: cannot convert") for time in NO_TIMES),
        ("{}", "has no stretch of 15 frames with a category such as jump"),
    ],
)
def test_odd_files_are_refused(written, files, text, said):
    with pytest.raises(UserError, match=rf"train.json.*{said}"):
        read_babel(None, [written("train.json", text), files[1]], LABELS)
