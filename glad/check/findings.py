"""What a check can find in a list of videos, and how each finding is told."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

Level = Literal["problem", "note"]

# Every kind of finding: whether it is a problem, and what it is called.
KINDS: dict[str, tuple[Level, str]] = {
    "list": ("problem", "lists that cannot be read"),
    "root": ("problem", "folders that do not exist"),
    "row": ("problem", "rows that cannot be used"),
    "label": ("problem", "labels outside the classes"),
    "class": ("problem", "classes without a video"),
    "duplicate": ("problem", "rows that stand in the list twice"),
    "overlap": ("problem", "pairs of rows that share frames under different labels"),
    "shared_video": ("problem", "videos of two lists that must share none"),
    "shared_recording": ("problem", "recordings cut into videos of two lists that must share none"),
    "missing": ("problem", "videos that are not there"),
    "frames": ("problem", "rows whose frames are not all there"),
    "numbering": ("problem", "folders named or numbered unlike the others"),
    "length": ("problem", "rows longer than their video"),
    "decode": ("problem", "rows with frames that cannot be decoded"),
    "size": ("problem", "rows whose frames differ in size"),
    "background": ("problem", "backgrounds that are missing or broken"),
    "weights": ("problem", "weights that are not there"),
    "changed": ("note", "lists called like a released one, with other content"),
    "same_name": ("note", "videos of two lists that are called alike"),
    "other_file": ("note", "files in a folder that are no videos"),
    "no_video": ("note", "folders that give no video"),
    "longer": ("note", "videos with more frames than the list says"),
    "short": ("note", "videos shorter than a clip"),
    "same_label": ("note", "pairs of rows that share frames under the same label, or without one"),
}


@dataclass(frozen=True)
class Place:
    """A row of a list: `list` is the number of a list, `row` counts from 0, `line` from 1 (None: none)."""

    list: int
    row: int | None = None
    line: int | None = None


@dataclass(frozen=True)
class Finding:
    """One thing found: of a kind in `KINDS`, in one sentence, at one place or (for a pair) at two."""

    kind: str
    text: str
    at: Place | None = None
    other: Place | None = None

    @property
    def level(self) -> Level:
        """Whether it is a problem or only worth knowing."""
        return KINDS[self.kind][0]


@dataclass(frozen=True)
class Findings:
    """All that was found, in the order found; of a kind with very many, only the first are held as `items`.

    `more` counts, by kind, those that are not held.
    """

    items: tuple[Finding, ...]
    more: tuple[tuple[str, int], ...] = ()

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind, in the order of `KINDS`; kinds without any are left out."""
        found = Counter(item.kind for item in self.items)
        for kind, count in self.more:
            found[kind] += count
        return {kind: found[kind] for kind in KINDS if found[kind]}

    def total(self, level: Level) -> int:
        """Return how many there are of a level."""
        return sum(count for kind, count in self.counts().items() if KINDS[kind][0] == level)

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(self.items + other.items, self.more + other.more)
