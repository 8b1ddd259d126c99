"""Rows agree, nearly agree, or do not; none is counted twice."""

from hypothesis import given
from hypothesis import strategies as st

from glad.datasets.found import Entry
from glad.datasets.match import listed_rows, matched, shared_names


def test_by_hand():
    listed = [
        Entry("train/1", 0, 10, 20),
        Entry("train/1", 0, 40, 20),
        Entry("train/2", 1, 0, 15),
        Entry("train/3", 2, 5, 5),
    ]
    rebuilt = [
        Entry("train/1", 0, 10, 20),  # the same
        Entry("train/1", 0, 41, 20),  # one frame later at both ends
        Entry("train/2", 0, 0, 15),  # another label
        Entry("train/3", 2, 5, 7),  # two frames longer
    ]
    match = matched(listed, rebuilt)
    assert (match.listed, match.rebuilt, match.exact, match.near) == (4, 4, 1, 1)
    assert match.only_listed == (listed[2], listed[3]) and set(match.only_rebuilt) == set(rebuilt[2:])
    assert "1 (25.0% of those listed) are the same, 2 (50.0%) to within 1 frame" in match.text()


def test_an_exact_row_is_not_taken_by_a_near_one():
    match = matched([Entry("a", 0, 9, 20), Entry("a", 0, 10, 20)], [Entry("a", 0, 10, 20)])
    assert (match.exact, match.near, match.only_listed) == (1, 0, (Entry("a", 0, 9, 20),))


def test_whole_videos_agree_by_name_and_label():
    listed = [Entry("high_jump/abc_000001_000011", 0), Entry("jogging/def", 1)]
    match = matched(listed, [Entry("train/high jump/abc_000001_000011.mp4", 0), Entry("train/jogging/def.mkv", 0)])
    assert (match.exact, match.only_listed) == (1, (listed[1],))
    assert shared_names(listed, [Entry("x/def.mp4", 3)]) == 1


ROWS = st.lists(
    st.builds(Entry, st.sampled_from(["a", "b"]), st.integers(0, 1), st.integers(0, 4), st.integers(1, 3)),
    max_size=12,
)


@given(ROWS, ROWS)
def test_every_row_is_counted_once(listed, rebuilt):
    match = matched(listed, rebuilt)
    assert match.exact + match.near + len(match.only_listed) == len(listed)
    assert match.exact + match.near + len(match.only_rebuilt) == len(rebuilt)
    # As many exact matches as the two have rows in common, counted otherwise.
    assert match.exact == sum(min(listed.count(row), rebuilt.count(row)) for row in set(listed))
    apart = [
        max(abs(row.offset - left.offset), abs(sum(row[2:]) - sum(left[2:])))
        for row in match.only_listed
        for left in match.only_rebuilt
        if row[:2] == left[:2]
    ]
    assert min(apart, default=2) > 1, "two rows that are near were left over"


def test_a_list_is_read_with_its_spans(written):
    spans = written("b.txt", "val/008998 62 33 1\nval/000001 0 67 0\n")
    assert listed_rows(spans, ("x", "y")) == (Entry("val/008998", 1, 62, 33), Entry("val/000001", 0, 0, 67))
    whole = written("k.txt", "jump/a 300 1\n")
    assert listed_rows(whole, ("x", "y")) == (Entry("jump/a", 1, None, None),)
