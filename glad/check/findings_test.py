"""Findings are counted by kind and level, those that are not held one by one too."""

from glad.check.findings import KINDS, Finding, Findings


def test_counts_are_in_the_order_of_the_kinds_and_hold_what_is_only_counted():
    found = Findings((Finding("short", "a"), Finding("row", "b"), Finding("row", "c")), (("row", 5), ("overlap", 2)))
    assert list(found.counts().items()) == [("row", 7), ("overlap", 2), ("short", 1)]
    assert (found.total("problem"), found.total("note")) == (9, 1)
    assert (found + found).counts() == {"row": 14, "overlap": 4, "short": 2}
    assert [Finding(kind, "").level for kind in ("row", "short")] == ["problem", "note"]


def test_every_kind_is_a_problem_or_a_note():
    assert {level for level, _ in KINDS.values()} == {"problem", "note"}
    assert Findings(()).counts() == {}
