"""A small pair of lists with their frame folders, without any fault."""

from pathlib import Path

import numpy as np
import pytest

from glad.data.image import write_jpeg


def frames_in(folder: Path, count: int, first: int = 1, size: tuple[int, int] = (12, 8)) -> Path:
    """Write `count` grey frames of `size` (w, h), numbered from `first`."""
    for index in range(count):
        write_jpeg(folder / f"img_{first + index:05d}.jpg", np.full((size[1], size[0], 3), 9 * index, np.uint8))
    return folder


@pytest.fixture
def clean_list(tmp_path: Path) -> Path:
    """A list of six rows of four frame folders below `videos/`, in two classes; nothing is wrong with it."""
    for name in ("a", "b", "c", "d"):
        frames_in(tmp_path / "videos" / name, 20)
    rows = ("a 0 10 0", "a 10 10 1", "b 0 20 0", "c 5 10 1", "d 0 9 0", "d 11 9 0")
    (tmp_path / "list.txt").write_text("".join(f"{row}\n" for row in rows))
    (tmp_path / "classes.txt").write_text("walk\nrun\n")
    return tmp_path / "list.txt"
