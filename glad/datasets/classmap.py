"""Which classes of two datasets mean the same action: a benchmark's classes, and each dataset's own names for them."""

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glad.data.blame import reason
from glad.errors import UserError

Labels = Mapping[str, int]  # a dataset's own class name -> the label it has in the benchmark


@dataclass(frozen=True)
class ClassMap:
    """The classes of a benchmark in the order of their labels, and per dataset its own names and the label of each.

    A dataset may spread one class over several of its own; every dataset has all classes.
    """

    classes: tuple[str, ...]
    raw: Mapping[str, Labels]

    def __post_init__(self) -> None:
        assert len(set(self.classes)) == len(self.classes) > 1, self.classes
        for dataset, labels in self.raw.items():
            assert set(labels.values()) == set(range(len(self.classes))), f"{dataset} has not the classes of the map"
            assert len({spelled(name) for name in labels}) == len(labels), f"{dataset}: one name twice"


def mapped(**classes: Mapping[str, tuple[str, ...]]) -> ClassMap:
    """Return a class map from `dataset={class: its own names}`; the first dataset sets the order of the classes."""
    order = tuple(next(iter(classes.values())))
    raw = {
        dataset: {name: order.index(label) for label, names in table.items() for name in names}
        for dataset, table in classes.items()
    }
    return ClassMap(order, raw)


def spelled(name: str) -> str:
    """Return a class name without what writers of folders change: case, and spaces, underscores, brackets, hyphens."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", name).casefold()).strip()


def labels_by_spelling(labels: Labels) -> dict[str, int]:
    """Return the labels by `spelled` names."""
    return {spelled(name): label for name, label in labels.items()}


def read_class_map(file: Path) -> ClassMap:
    """Return the class map of a CSV with the columns `side,raw,class`, side being source or target.

    For benchmarks whose table we could not establish; the classes come in the order they first appear in.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = [(number, row) for number, row in enumerate(csv.reader(lines), start=1) if any(row)]
    except UnicodeDecodeError:
        raise UserError(f"{file} is not a text file in UTF-8") from None
    except (OSError, csv.Error) as problem:
        why = reason(problem) if isinstance(problem, OSError) else problem
        raise UserError(f"{file} cannot be read: {why}") from None
    if not rows or [cell.strip() for cell in rows[0][1]] != ["side", "raw", "class"]:
        raise UserError(f"{file}: the first line must be `side,raw,class`")
    classes: list[str] = []
    raw: dict[str, dict[str, int]] = {"source": {}, "target": {}}
    for number, row in rows[1:]:
        cells = [cell.strip() for cell in row]
        if len(cells) != 3 or cells[0] not in raw or not all(cells):
            raise UserError(f"{file} line {number}: expected `source,NAME,CLASS` or `target,NAME,CLASS`, found {row}")
        side, name, label = cells
        if spelled(name) in labels_by_spelling(raw[side]):
            raise UserError(f"{file} line {number}: the {side} class '{name}' is mapped twice")
        if label not in classes:
            classes.append(label)
        raw[side][name] = classes.index(label)
    for side, labels in raw.items():
        lacking = [name for label, name in enumerate(classes) if label not in labels.values()]
        if lacking or len(classes) < 2:
            raise UserError(f"{file}: no {side} class for {', '.join(lacking) or 'two classes at least'}")
    return ClassMap(tuple(classes), raw)
