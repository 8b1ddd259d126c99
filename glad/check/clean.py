"""Writes a list anew without the rows that a check found fault with, and says beside it what was dropped and why."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glad.check.doctor import ListReport
from glad.data.listtext import Row, list_text
from glad.errors import UserError
from glad.files import atomic, write_text

# Why a row is dropped, by the kind of finding that marks it. What is no reason stays: short videos, empty classes,
# names that are merely alike.
RULES = {
    "row": "the row cannot be used",
    "label": "its label is outside the classes",
    "missing": "its video is not there",
    "frames": "frames of it are missing",
    "numbering": "its folder is named or numbered unlike most",
    "length": "it asks for more frames than its video has",
    "decode": "frames of it cannot be decoded",
    "size": "its frames differ in size",
    "duplicate": "an earlier row says the same; that one is kept",
    "overlap": "it shares frames of its video with another label; both go, neither is known to be right",
    "shared_video": "its video is in a list that it is checked against",
    "shared_recording": "its video is of a recording that is in a list it is checked against",
}


@dataclass(frozen=True)
class Dropped:
    """A row that was left out: its line (None in a folder), its text, and the rules that dropped it."""

    line: int | None
    text: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Cleaned:
    """A list that was written without faulty rows.

    Attributes:
        file: the new list.
        beside: the file that says what was dropped.
        sha256: of the new list.
        kept: rows in it.
        dropped: rows that are not.
    """

    file: Path
    beside: Path
    sha256: str
    kept: int
    dropped: tuple[Dropped, ...]

    def counts(self) -> dict[str, int]:
        """Return how many rows each rule concerns; a row may fall under several."""
        return {rule: count for rule in RULES if (count := sum(rule in row.rules for row in self.dropped))}


def beside(file: Path) -> Path:
    """Return the file that says what was dropped on the way to the list `file`."""
    return file.with_name(f"{file.name}.json")


def check_target(source: Path, file: Path, others: Sequence[Path] = ()) -> None:
    """Refuse to write the cleaned list of `source` to `file` where it would be misread, or overwrite what is read.

    `others` are further files that the check reads. `FILE.json` is written too.
    """
    written = {file.resolve(), beside(file).resolve()}
    for read in (source, *others):
        if read.resolve() in written:
            raise UserError(
                f"{file}: would overwrite {read}, which is read here; write the cleaned list to another file"
            )
    comma = source.is_dir() or source.suffix.lower() == ".csv"
    if (file.suffix.lower() == ".csv") != comma:
        raise UserError(
            f"{file}: the cleaned list of {source} is a {'CSV' if comma else 'text list'}, so its name must "
            f"{'end' if comma else 'not end'} in .csv"
        )
    if file.is_dir():
        raise UserError(f"{file} is a folder; name the file that the cleaned list is written to")


def write_clean(report: ListReport, file: Path) -> Cleaned:
    """Write the rows of a list that no rule drops to `file`, and what was dropped to `file`.json.

    Order and text of the rows stay as they are, down to the bytes; of a folder, a CSV is made.
    """
    rows = report.rows
    check_target(rows.file, file)
    rules: dict[int, tuple[str, ...]] = {}
    marked = np.any([mask for kind, mask in report.marks.items() if kind in RULES], axis=0)
    for row in np.flatnonzero(marked).tolist():
        rules[row] = tuple(kind for kind in RULES if kind in report.marks and report.marks[kind][row])
    kept = len(rows) - len(rules)
    if not kept:
        raise UserError(
            f"not one row of {rows.file} is without fault, so no cleaned list is written; "
            "the check without --write-clean says what is wrong"
        )
    text, dropped = _folder_text(report, rules) if rows.file.is_dir() else _list_text(report, rules)
    digest = hashlib.sha256(text).hexdigest()
    said = {
        "list": str(rows.file),
        "sha256_before": rows.sha256,
        "sha256": digest,
        "rows_before": len(rows) + len(rows.faults),
        "rows": kept,
        "classes": rows.classes,
        "files_looked_at": report.unseen is None,
        "rules": {rule: RULES[rule] for rule in RULES if any(rule in row.rules for row in dropped)},
        "dropped": [{"line": row.line, "text": row.text, "rules": list(row.rules)} for row in dropped],
    }
    write_text(beside(file), json.dumps(said, indent=1) + "\n")
    with atomic(file) as temporary:
        temporary.write_bytes(text)
    return Cleaned(file, beside(file), digest, kept, tuple(dropped))


def _list_text(report: ListReport, rules: dict[int, tuple[str, ...]]) -> tuple[bytes, list[Dropped]]:
    """Return the lines of the list without those that are dropped, and those."""
    rows = report.rows
    why = {int(rows.line[row]): reasons for row, reasons in rules.items()} | {line: ("row",) for line, _ in rows.faults}
    kept: list[bytes] = []
    dropped: list[Dropped] = []
    for number, line in enumerate(rows.file.read_bytes().splitlines(keepends=True), start=1):
        if number in why:
            dropped.append(Dropped(number, line.decode("utf-8-sig").strip(), why[number]))
        else:
            kept.append(line)
    if rows.classes and report.asked.classes is None:  # found in the rows, and numbered by them
        left = {rows.classes[label] for row, label in enumerate(rows.label.tolist()) if row not in rules}
        if gone := [name for name in rows.classes if name not in left]:
            raise UserError(
                f"{rows.file}: no video of {', '.join(gone)} would be left, and others would be numbered anew; "
                "name the classes in a file by --classes"
            )
    return b"".join(kept), dropped


def _folder_text(report: ListReport, rules: dict[int, tuple[str, ...]]) -> tuple[bytes, list[Dropped]]:
    """Return the videos of a folder without those that are dropped as a CSV, and those.

    Labels are the names of the classes where these are read back as the same labels, else numbers.
    """
    rows = report.rows
    paths = rows.listing.paths()
    dropped = [Dropped(None, paths[row], reasons) for row, reasons in sorted(rules.items())]
    kept = [row for row in range(len(rows)) if row not in rules]
    labels = rows.label[kept].tolist()
    # Without a word about the classes, names are sorted to be numbered, and a class without a video is none.
    names = rows.classes if rows.labelled else None
    readable = names and names == tuple(sorted({names[label] for label in labels}))
    found = [Row(paths[row], label=label if rows.labelled else None) for row, label in zip(kept, labels, strict=True)]
    text, _ = list_text(found, names if readable else None)
    return text.encode(), dropped
