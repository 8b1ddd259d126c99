"""Builds the lists of a benchmark from the datasets on disk: what training and evaluation read, and what is missing."""

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glad.data.blame import reason
from glad.data.listtext import SUFFIXES, Row, list_text
from glad.datasets.babel import read_babel
from glad.datasets.benchmarks import READERS, Benchmark, Side
from glad.datasets.classmap import ClassMap
from glad.datasets.found import Entry, Found, Missing, Split, counted
from glad.datasets.match import Match, listed_rows, matched, shared_names
from glad.errors import UserError
from glad.files import write_text
from glad.ours import check_ours

SPLITS: tuple[Split, ...] = ("train", "test")
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Built:
    """What was found of a benchmark, by role (`source train`), and where its lists are."""

    benchmark: Benchmark
    classes: tuple[str, ...]
    roots: dict[str, Path | None]
    rows: dict[str, tuple[Entry, ...]]
    missing: dict[str, tuple[Missing, ...]]
    lists: dict[str, Path]

    def text(self) -> str:
        """Return a table of the videos per class and list, and what is missing."""
        names = list(self.lists)
        counts = {name: counted(self.rows[name], self.classes) for name in names}
        width = max(len(name) for name in ("class", *self.classes))
        table = [["class", *names], *([label, *(counts[name][label] for name in names)] for label in self.classes)]
        table.append(["all", *(len(self.rows[name]) for name in names)])
        table.append(["missing", *(len(self.missing[name]) for name in names)])
        lines = [
            "  ".join([f"{label:<{width}}", *(f"{cell:>{len(name)}}" for name, cell in zip(names, cells, strict=True))])
            for label, *cells in table
        ]
        empty = [
            f"{name}: no video of {', '.join(label for label, count in counts[name].items() if not count)}"
            for name in names
            if not all(counts[name].values())
        ]
        absent = [f"no list of {name}: {self.missing[name][0].why}" for name in self.missing if name not in names]
        return "\n".join([*lines, *empty, *absent])

    @property
    def whole(self) -> bool:
        """Whether both domains are there, with all that training and evaluation need."""
        return {"source train", "target train", "target test"} <= self.lists.keys() and all(self.roots.values())

    def flags(self) -> str:
        """Return the words for `glad train RECIPE` that put these lists in the place of a recipe's own."""
        assert self.whole
        out = next(iter(self.lists.values())).parent
        fields = {"source": "source train", "target": "target train", "test": "target test"}
        words = ["--data.classes", str(out / "classes.txt"), "--data.target.labelled"]
        for field, name in fields.items():
            words += [f"--data.{field}.list", str(self.lists[name])]
            words += [f"--data.{field}.root", str(self.roots[name.split()[0]])]
        return shlex.join(words)


def build(
    benchmark: Benchmark,
    source: Path | None,
    target: Path | None,
    annotations: Sequence[Path],
    out: Path,
    classes: ClassMap | None = None,
) -> Built:
    """Write the lists of a benchmark into `out`, and what was found and what not.

    `source` and `target` are the folders of the datasets; a side without one is left out (BABEL's rows come from its
    annotations alone). Written are `classes.txt`, `source_train`, `source_test`, `target_train` and `target_test` as
    lists (.txt where rows are stretches, .csv where they are whole videos), `missing.txt`, `pair.py` with both domains
    as a recipe has them, and, first of all, `manifest.json` with the hashes of the lists.
    """
    table = benchmark.classes or classes
    if table is None:
        raise UserError(f"the class table of '{benchmark.name}' is not known to us; give one (docs/benchmarks.md)")
    if benchmark.classes is not None and classes is not None:
        raise UserError(f"'{benchmark.name}' has a class table of its own; it takes no other")
    sides = {"source": (benchmark.source, source), "target": (benchmark.target, target)}
    found = {role: read for role, (side, root) in sides.items() if (read := _read(side, root, annotations, table))}
    if not found:
        raise UserError("give the folder of the source or the target dataset, or both (--source, --target)")
    for role, read in found.items():
        needed: Split = "train" if role == "source" else "test"
        if not read.split(needed):
            raise UserError(f"there is no {role} {needed} video: {read.missing[0].name}: {read.missing[0].why}")
    rows = {f"{role} {split}": read.split(split) for role, read in found.items() for split in SPLITS}
    missing = {
        f"{role} {split}": tuple(one for one in read.missing if one.split == split)
        for role, read in found.items()
        for split in SPLITS
    }
    roots = {role: None if root is None else root.resolve() for role, (_, root) in sides.items()}
    lists: dict[str, Path] = {}
    texts: dict[str, str] = {}
    for name, entries in rows.items():
        if entries:
            listed = [Row(entry.path, entry.offset, entry.frames, entry.label) for entry in entries]
            text, suffix = list_text(listed, table.classes)
            lists[name] = out.resolve() / f"{name.replace(' ', '_')}{suffix}"
            texts[lists[name].name] = text
    built = Built(benchmark, table.classes, roots, rows, missing, lists)
    manifest = json.dumps(_manifest(built, annotations, texts), indent=2, ensure_ascii=False) + "\n"
    texts["classes.txt"] = "".join(f"{name}\n" for name in table.classes)
    texts["missing.txt"] = "".join(f"{role}: {one.name}: {one.why}\n" for role in missing for one in missing[role])
    if built.whole:
        texts["pair.py"] = _pair(built, out.resolve())
    check_place(out)
    for name, text in {MANIFEST: manifest, **texts}.items():
        write_text(out / name, text)
    return built


def check_place(out: Path, compare: Sequence[Path] = ()) -> None:
    """Refuse a folder for lists where files of others would be replaced, or those that are `compared` afterwards."""
    for file in compare:
        if file.resolve().parent == out.resolve():
            raise UserError(f"{file} is in --out and would be replaced before it is compared; choose another --out")
    lists = [f"{side}_{split}{suffix}" for side in ("source", "target") for split in SPLITS for suffix in SUFFIXES]
    names = ["classes.txt", "missing.txt", "pair.py", *lists, *(f"compare-{file.stem}.txt" for file in compare)]
    check_ours(out, names, MANIFEST, '{"benchmark":')


def compared(built: Built, file: Path, out: Path) -> tuple[str, Match]:
    """Return which rebuilt list a list at hand is compared to, the one with most videos in common, and the match.

    `compare-NAME.txt` in `out` holds the rows that only the list has (`-`) and those only rebuilt (`+`).
    """
    listed = listed_rows(file, built.classes)
    name = max(built.lists, key=lambda name: shared_names(listed, built.rows[name]))
    if not shared_names(listed, built.rows[name]):
        raise UserError(f"{file} has no video in common with the rebuilt lists; its first row is {listed[0].path}")
    match = matched(listed, built.rows[name])
    rows = [f"- {_line(row)}" for row in match.only_listed] + [f"+ {_line(row)}" for row in match.only_rebuilt]
    write_text(out / f"compare-{file.stem}.txt", "".join(f"{row}\n" for row in rows))
    return name, match


def _read(side: Side, root: Path | None, annotations: Sequence[Path], classes: ClassMap) -> Found | None:
    if root is not None and not root.is_dir():
        raise UserError(f"there is no folder {root} (of {side.dataset})")
    if side.dataset == "babel":
        return read_babel(root, annotations, classes.raw[side.key])
    return None if root is None else READERS[side.dataset](root, annotations, classes.raw[side.key])


def _line(entry: Entry) -> str:
    return " ".join(str(part) for part in (entry.path, entry.offset, entry.frames, entry.label) if part is not None)


def _pair(built: Built, out: Path) -> str:
    """Return a Python file with the two domains as a recipe has them."""
    lines = [f"    classes=Path({str(out / 'classes.txt')!r}),"]
    fields = {"source": "source train", "target": "target train", "test": "target test", "source_val": "source test"}
    for field, name in fields.items():
        if name in built.lists:
            root = built.roots[name.split()[0]]
            lines.append(f"    {field}=Videos(list=Path({str(built.lists[name])!r}), root=Path({str(root)!r})),")
    lines.append(f"    backgrounds=Path({str(out / 'backgrounds')!r}),")
    return "\n".join(
        [
            f'"""The two domains of {built.benchmark.name}: put `data=PAIR` into a recipe."""',
            "",
            "from pathlib import Path",
            "",
            "from glad.recipe import Pair, Videos",
            "",
            "PAIR = Pair(",
            *lines,
            ")",
            "",
        ]
    )


def _manifest(built: Built, annotations: Sequence[Path], texts: Mapping[str, str]) -> dict[str, object]:
    """Return what the lists, of these `texts`, were made from, and their counts and hashes."""
    given = [file for path in annotations for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    return {
        "benchmark": built.benchmark.name,
        "source": {"dataset": built.benchmark.source.dataset, "root": str(built.roots["source"] or "")},
        "target": {"dataset": built.benchmark.target.dataset, "root": str(built.roots["target"] or "")},
        "annotations": {str(file): _sha256(file) for file in given if file.is_file()},
        "lists": {
            path.name: {
                "sha256": hashlib.sha256(texts[path.name].encode()).hexdigest(),
                "videos": len(built.rows[name]),
                "missing": len(built.missing[name]),
                "classes": counted(built.rows[name], built.classes),
            }
            for name, path in built.lists.items()
        },
    }


def _sha256(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as problem:
        raise UserError(f"{file} cannot be read: {reason(problem)}") from None
