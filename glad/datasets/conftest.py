"""What the tests of datasets share: synthetic trees of empty files."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """A function that makes a folder `name` with empty files, and returns it.

    `a/b.avi` is a file; `a/b=5` a frame folder of 5 images from number 1 on, `a/b=5@0` from number 0 on.
    """

    def made(name: str, *paths: str) -> Path:
        for path in (*paths, ""):
            place, _, frames = path.partition("=")
            if not frames:
                (tmp_path / name / place).parent.mkdir(parents=True, exist_ok=True)
                if path:
                    (tmp_path / name / place).touch()
                continue
            count, _, first = frames.partition("@")
            (tmp_path / name / place).mkdir(parents=True)
            for number in range(int(first or 1), int(first or 1) + int(count)):
                (tmp_path / name / place / f"img_{number:05d}.jpg").touch()
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        return tmp_path / name

    return made


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], Path]:
    """A function that writes an annotation file, and returns its path."""

    def made(name: str, text: str) -> Path:
        file = tmp_path / "annotations" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return made
