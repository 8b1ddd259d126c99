"""How far rebuilt rows agree with a list that is at hand: the same rows, nearly the same, and those in one alone."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from glad.data.listing import open_listing
from glad.datasets.found import Entry, stem_of

NEAR = 1  # frames that either end of a stretch may be off


@dataclass(frozen=True)
class Match:
    """Rows of a list and rebuilt rows, matched one to one; the counts are rows."""

    listed: int
    rebuilt: int
    exact: int
    near: int
    only_listed: tuple[Entry, ...]
    only_rebuilt: tuple[Entry, ...]

    def text(self) -> str:
        """Return the match in one line."""
        within = self.exact + self.near
        return (
            f"{self.listed} rows listed, {self.rebuilt} rebuilt: {self.exact} ({self.exact / self.listed:.1%} of those "
            f"listed) are the same, {within} ({within / self.listed:.1%}) to within {NEAR} frame at either end; "
            f"{len(self.only_listed)} only in the list, {len(self.only_rebuilt)} only rebuilt"
        )


def listed_rows(file: Path, classes: tuple[str, ...]) -> tuple[Entry, ...]:
    """Return the rows of a labelled list; a row whose list gives no offset is a whole video."""
    listing = open_listing(file, classes, labelled=True, allow_empty_classes=True)
    spans = bool(listing.offsets.any())
    return tuple(
        Entry(row.path, row.label or 0, row.offset if spans else None, row.frames if spans else None)
        for row in (listing[index] for index in range(len(listing)))
    )


def matched(listed: Sequence[Entry], rebuilt: Sequence[Entry]) -> Match:
    """Return the match of two sets of rows.

    Rows agree in the name of the video (the last part of the path, without suffix), in the label, and, where both have
    a span, in its first and last frame. Exact matches are taken out first; of the rest, in the order of their offsets,
    each listed row takes the first rebuilt one that is near. No row is matched twice.
    """
    left, right = _grouped(listed), _grouped(rebuilt)
    exact = near = 0
    only_listed: list[Entry] = []
    for key, rows in left.items():
        others = right[key]
        rest: list[Entry] = []
        for row in rows:
            same = next((other for other in others if _apart(row, other) == 0), None)
            if same is None:
                rest.append(row)
            else:
                others.remove(same)
                exact += 1
        for row in rest:
            close = next((other for other in others if _apart(row, other) <= NEAR), None)
            if close is None:
                only_listed.append(row)
            else:
                others.remove(close)
                near += 1
    only_rebuilt = tuple(row for rows in right.values() for row in rows)
    return Match(len(listed), len(rebuilt), exact, near, tuple(only_listed), only_rebuilt)


def shared_names(one: Sequence[Entry], other: Sequence[Entry]) -> int:
    """Return how many video names both have."""
    return len({_name(row) for row in one} & {_name(row) for row in other})


def _grouped(rows: Sequence[Entry]) -> defaultdict[tuple[str, int], list[Entry]]:
    groups: defaultdict[tuple[str, int], list[Entry]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.path, row.offset or 0, row.frames or 0)):
        groups[_name(row), row.label].append(row)
    return groups


def _name(row: Entry) -> str:
    return stem_of(PurePosixPath(row.path).name)


def _apart(one: Entry, other: Entry) -> int:
    """Return by how many frames two spans differ at most at an end; 0 where one has none."""
    if one.offset is None or other.offset is None:
        return 0
    ends = [(row.offset or 0) + (row.frames or 0) for row in (one, other)]
    return max(abs(one.offset - other.offset), abs(ends[0] - ends[1]))
