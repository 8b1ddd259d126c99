"""A class map knows names however folders spell them, and is refused where it is not whole."""

import pytest

from glad.datasets.classmap import ClassMap, labels_by_spelling, mapped, read_class_map, spelled
from glad.errors import UserError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("punching person (boxing)", "punching_person_(boxing)"),
        ("fencing (sport)", "fencing_sport"),
        ("take/pick something up", "take pick something up"),
        ("Café dancing", "cafe\u0301_dancing"),
        ("Archery", "archery"),
    ],
)
def test_a_class_is_known_in_all_its_spellings(one, other):
    assert spelled(one) == spelled(other)


def test_other_classes_stay_apart():
    names = ["jump", "jumping", "long jump", "high jump", "PullUps", "PushUps", "кик", "бег"]
    assert len({spelled(name) for name in names}) == len(names)


def test_a_table_becomes_labels_in_the_order_of_the_first_dataset():
    table = mapped(a={"run": ("jog", "sprint"), "fall": ("fall",)}, b={"fall": ("stumble",), "run": ("run",)})
    assert table.classes == ("run", "fall")
    assert table.raw == {"a": {"jog": 0, "sprint": 0, "fall": 1}, "b": {"stumble": 1, "run": 0}}
    assert labels_by_spelling({"High_Jump": 3}) == {"high jump": 3}


@pytest.mark.parametrize("labels", [{"a": 0}, {"a": 0, "b": 2}, {"a": 0, "b": 1, "A": 1}])
def test_a_dataset_has_every_class_and_no_name_twice(labels):
    with pytest.raises(AssertionError):
        ClassMap(("x", "y"), {"d": labels})


def test_a_table_is_read_from_a_file(written):
    text = "side,raw,class\nsource,Rolling Hand Forward,roll\ntarget,Rolling Hand Backward,roll\n"
    text += "\nsource,Zooming In,zoom\ntarget,Zooming Out,zoom\ntarget,Zooming Out Fast,zoom\n"
    table = read_class_map(written("map.csv", text))
    assert table.classes == ("roll", "zoom")
    assert table.raw["target"] == {"Rolling Hand Backward": 0, "Zooming Out": 1, "Zooming Out Fast": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raw,class\n", "the first line must be `side,raw,class`"),
        ("", "the first line must be"),
        ("side,raw,class\nmiddle,a,x\n", "line 2: expected `source,NAME,CLASS`"),
        ("side,raw,class\nsource,a,x\nsource,A,y\n", "line 3: the source class 'A' is mapped twice"),
        ("side,raw,class\nsource,a,x\ntarget,a,x\nsource,b,y\n", "no target class for y"),
        ("side,raw,class\nsource,a,x\ntarget,a,x\n", "two classes at least"),
    ],
)
def test_half_a_table_is_refused(written, text, said):
    with pytest.raises(UserError, match=said):
        read_class_map(written("map.csv", text))
