"""The folder of the miniature: what it holds, that one process makes it at a time, and that nothing is made twice."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from glad.data.work import lock
from glad.errors import UserError
from glad.files import write_text, writing
from glad.ours import check_ours

ABOUT = "mini.json"
"""Says what the folder holds; while it is being made, that it is ours, and what it is to be."""
FOLDERS = ("source", "target", "videos", "backgrounds", "target_backgrounds")
LISTS = ("source_train", "source_val", "target_train", "target_train_labels", "target_test", "init_train", "init_val")
HALF = ("source/*/.[0-9]*", "target/*/.[0-9]*", "videos/*/*/.[0-9]*")
"""What a run that was killed leaves of the videos at work; they take their names, without the point, once whole."""

About = dict[str, Any]  # as JSON


@contextmanager
def begun(root: Path, about: About) -> Iterator[bool]:
    """Yield whether what `about` says has to be made under `root`, which is held meanwhile: a second process waits.

    Videos that an interrupted run made of the very same are kept, all else that is ours is removed; what is not ours is
    refused. What is made ends with `sign`.
    """
    if holds(root, about):
        yield False
        return
    check(root)
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        file = (root / ".lock").open("a")
    with file:
        lock(file, root)
        if holds(root, about):  # by now
            yield False
            return
        if holds(root, unfinished := {"name": "mini, being made", "of": about}):
            for part in (part for pattern in HALF for part in root.glob(pattern)):
                shutil.rmtree(part) if part.is_dir() else part.unlink()
        else:
            empty(root)
            sign(root, unfinished)
        yield True


def holds(root: Path, about: About) -> bool:
    """Return whether `root` holds what `about` says, as a whole."""
    path = root / ABOUT
    if not path.exists():
        return False
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError(f"{path}: not JSON; remove this folder, and the miniature is made again") from None
    return all(found.get(key) == value for key, value in about.items())


def sign(root: Path, about: About) -> None:
    """Write down what `root` holds."""
    write_text(root / ABOUT, json.dumps(about, indent=2) + "\n")


def check(root: Path) -> None:
    """Refuse a folder that holds files called like ours which something else made."""
    check_ours(root, [*FOLDERS, *(f"{name}.txt" for name in (*LISTS, "classes"))], ABOUT, '{"name":"mini')


def empty(root: Path) -> None:
    """Remove the videos, and what was made of them, that an earlier version or another seed left under `root`."""
    check(root)
    sign(root, {"name": "mini, being removed"})
    for name in FOLDERS:
        if (root / name).exists():
            shutil.rmtree(root / name)
