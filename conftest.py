"""What all tests share. Hypothesis does not time its examples, since a test machine may be busy."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    import numpy as np

    from glad.recipe import Pair, Recipe

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

FRAMES, SIDE = 12, 24  # of the synthetic videos


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; a test that needs it skips where it is absent."""
    folder = Path(__file__).resolve().parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs shared/data beside the repository")
    return folder


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a synthetic pair of domains, for reading only: a square moves to the left or to the right.

    `source.txt` and `source/`: 8 labelled frame folders on coloured textures, numbered from 1. `target.txt` and
    `target/`: 8 on a grey checkerboard, in the format with offsets. `test.txt`: 4 more. `classes.txt`, `backgrounds/`.
    """
    from glad.data.background import extract_backgrounds
    from glad.data.image import write_jpeg
    from glad.data.listing import open_listing

    root = tmp_path_factory.mktemp("squares")
    for name, count in (("source", 8), ("target", 8), ("test", 4)):
        lines = []
        for video, label, frames in synthetic_videos(name, count):
            path = f"{('left', 'right')[label]}_{video}"
            for index, frame in enumerate(frames, start=1):
                write_jpeg(root / name / path / f"img_{index:05d}.jpg", frame)
            span = f"{FRAMES}" if name == "source" else f"0 {FRAMES}"
            lines.append(f"{path} {span} {label}\n")
        (root / f"{name}.txt").write_text("".join(lines))
    (root / "classes.txt").write_text("left\nright\n")
    listing = open_listing(root / "source.txt", labelled=True, root=root / "source")
    extract_backgrounds(listing, listing.root, root / "backgrounds")
    return root


def synthetic_videos(name: str, count: int) -> "Iterator[tuple[int, int, np.ndarray]]":
    """Yield number, label and frames (FRAMES, SIDE, SIDE, 3) uint8 of the videos of one domain; labels alternate."""
    import numpy as np

    for video in range(count):
        rng = np.random.default_rng([("source", "target", "test").index(name), video])
        if name == "source":
            scene = np.kron(rng.integers(40, 216, (SIDE // 4, SIDE // 4, 3)), np.ones((4, 4, 1))).astype(np.uint8)
            body = rng.choice([0, 255], 3)
        else:
            dark = np.add.outer(np.arange(SIDE) // 4, np.arange(SIDE) // 4) % 2
            scene = np.repeat((140 + 40 * dark)[..., None], 3, axis=2).astype(np.uint8)
            body = np.full(3, 60)
        frames = np.stack([scene] * FRAMES)
        label, top = video % 2, int(rng.integers(2, SIDE - 10))
        for index in range(FRAMES):
            left = round((SIDE - 8) * (index if label else FRAMES - 1 - index) / (FRAMES - 1))
            frames[index, top : top + 8, left : left + 8] = body
        yield video, label, frames


@pytest.fixture(scope="session")
def square_videos() -> "Callable[[str, int], Iterator[tuple[int, int, np.ndarray]]]":
    """The function that makes the videos of `squares`, domain by domain."""
    return synthetic_videos


@pytest.fixture(scope="session")
def square_pair(squares: Path) -> "Pair":
    """The two domains of `squares` as a recipe has them."""
    from glad.recipe import Pair, Videos

    return Pair(
        classes=squares / "classes.txt",
        source=Videos(list=squares / "source.txt", root=squares / "source"),
        target=Videos(list=squares / "target.txt", root=squares / "target"),
        test=Videos(list=squares / "test.txt", root=squares / "test"),
        backgrounds=squares / "backgrounds",
    )


@pytest.fixture(scope="session")
def square_recipe(square_pair: "Pair") -> "Callable[..., Recipe]":
    """A function that returns a small source-only recipe on `square_pair`, with the fields it is given."""
    from glad.augment import Spatial
    from glad.backbones.tiny import TinyConfig
    from glad.methods.supervised import SupervisedConfig
    from glad.optim import Optim
    from glad.recipe import Recipe
    from glad.sampling import Segments

    def recipe(**fields: object) -> Recipe:
        views = Segments(length=4, interval=1, short="repeat_last")
        pixels = Spatial(size=16, short_side=None, crop="none", flip=0.0)
        given: dict = {
            "name": "squares",
            "data": square_pair,
            **{f"{domain}_views": views for domain in ("source", "target", "test")},
            **{f"{domain}_pixels": pixels for domain in ("source", "target", "test")},
            "backbone": TinyConfig(width=8),
            "method": SupervisedConfig(),
            "optim": Optim(optimizer="adamw", lr=1e-3, schedule="constant"),
            "steps": 4,
            "batch_size": 4,
        }
        return Recipe(**{**given, **fields})

    return recipe
