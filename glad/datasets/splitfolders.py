"""Datasets whose splits are folders: `train/CLASS/VIDEO` and `val/CLASS/VIDEO`, as Moments in Time comes."""

from collections.abc import Sequence
from pathlib import Path

from glad.data.tree import videos_in
from glad.datasets.classmap import Labels, spelled
from glad.datasets.found import Entry, Found, Missing, Split, class_folders, gathered
from glad.errors import UserError

NAMES: tuple[tuple[Split, tuple[str, ...]], ...] = (
    ("train", ("train", "training")),
    ("test", ("val", "validation", "validate")),
)


def read_split_folders(root: Path, annotations: Sequence[Path], labels: Labels) -> Found:
    """Return the videos of the classes in `labels`; the validation folder is the test split. No annotations."""
    present = class_folders(root)
    entries: list[tuple[Split, Entry]] = []
    missing: list[Missing] = []
    for split, names in NAMES:
        folder = next((present[name] for name in names if name in present), None)
        if folder is None:
            raise UserError(
                f"{root} has no folder {' or '.join(names)}; expected {names[0]}/CLASS/VIDEO below it"
                f"{'' if present else ', and it holds no folders at all'}"
            )
        inside = class_folders(root / folder)
        for name, label in labels.items():
            if (own := inside.get(spelled(name))) is None:
                missing.append(Missing(split, name, f"no such class folder in {root / folder}"))
                continue
            for video in videos_in(root / folder / own):
                if not video:
                    raise UserError(f"{root / folder / own} holds images, where a class folder of videos was expected")
                entries.append((split, Entry(f"{folder}/{own}/{video}", label)))
            if not any(one.path.startswith(f"{folder}/{own}/") for kind, one in entries if kind == split):
                missing.append(Missing(split, name, f"{root / folder / own} holds no videos"))
    if not entries:
        raise UserError(f"{root} has no video of any class that is asked for, such as {next(iter(labels))}")
    return gathered(entries, missing)
