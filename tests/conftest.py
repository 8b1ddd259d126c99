"""A newcomer's folder: videos as frame folders and as mp4 files, lists, and a recipe file beside them."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream

RECIPES = '''
"""The recipes of a newcomer."""

from pathlib import Path

from glad.augment import Mix, Spatial
from glad.backbones.tiny import TinyConfig
from glad.methods.glad import GladConfig
from glad.methods.order import OrderConfig
from glad.methods.supervised import SupervisedConfig
from glad.optim import Optim
from glad.recipe import Pair, Recipe, Videos
from glad.sampling import Ordered, Segments

DATA = Pair(
    classes=Path("classes.txt"),
    source=Videos(list=Path("source.txt"), root=Path("source")),
    target=Videos(list=Path("target.txt"), root=Path("target")),
    test=Videos(list=Path("test.txt"), root=Path("test")),
    backgrounds=Path("backgrounds"),
)
VIEWS = Segments(length=6, interval=1, short="repeat_last")
ORDERED = Ordered(length=4, interval=1, short="repeat_last")
PIXELS = Spatial(size=16, short_side=None, crop="none", flip=0.0)
OPTIM = Optim(optimizer="adamw", lr=3e-3, weight_decay=0.0, classifier_lr=1.0, schedule="constant")

ORDER = Recipe(
    name="my-order", data=DATA, source_views=ORDERED, target_views=ORDERED, source_pixels=PIXELS, target_pixels=PIXELS,
    backbone=TinyConfig(width=8), method=OrderConfig(), optim=OPTIM, steps=4, batch_size=4,
)
GLAD = Recipe(
    name="my-glad", about="All of it, in miniature.", data=DATA, source_views=VIEWS, target_views=VIEWS,
    test_views=VIEWS, source_pixels=PIXELS, target_pixels=PIXELS, test_pixels=PIXELS, mix=Mix(probability=0.5),
    backbone=TinyConfig(width=8), method=GladConfig(), optim=OPTIM, steps=6, batch_size=4, after=ORDER,
)
SOURCE_ONLY = GLAD.model_copy(
    update={"name": "my-source", "method": SupervisedConfig(dropout=0.0), "mix": None, "after": None}
)
'''


@pytest.fixture
def desk(tmp_path: Path, squares: Path, movies: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh current folder with links to the videos of `squares`, copies of its lists, and `recipes.py`.

    Under `movies/` are the same videos as mp4 files: `source/CLASS/NAME.mp4`, `target/NAME.mp4` and `test.csv`.
    """
    for name in ("source", "target", "test"):
        (tmp_path / name).symlink_to(squares / name)
        (tmp_path / f"{name}.txt").write_text((squares / f"{name}.txt").read_text())
    (tmp_path / "classes.txt").write_text((squares / "classes.txt").read_text())
    (tmp_path / "movies").symlink_to(movies)
    (tmp_path / "recipes.py").write_text(RECIPES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def movies(tmp_path_factory: pytest.TempPathFactory, square_videos: Callable) -> Path:
    """The videos of `squares` as mp4 files."""
    root = tmp_path_factory.mktemp("movies")
    rows = []
    for name, count in (("source", 8), ("target", 8), ("test", 4)):
        for video, label, frames in square_videos(name, count):
            kind = ("left", "right")[label]
            path = root / name / (kind if name == "source" else "") / f"{kind}_{video}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            with av.open(str(path), "w") as out:
                stream = out.add_stream("libx264", rate=25, options={"threads": "1", "crf": "10"})
                assert isinstance(stream, VideoStream)
                stream.width = stream.height = frames.shape[1]
                stream.pix_fmt = "yuv420p"
                for frame in frames:
                    out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
                out.mux(stream.encode(None))
            if name == "test":
                rows.append(f"test/{path.name},{kind}\n")
    (root / "test.csv").write_text("".join(rows))
    return root


@pytest.fixture
def glad_says(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A function that runs one command line and returns what it printed."""
    from glad.cli import main

    def run(*words: object) -> str:
        main([str(word) for word in words])
        return capsys.readouterr().out

    return run


@pytest.fixture
def glad_refuses(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A function that runs one command line, which must end with status 2 and one sentence, and returns that.

    Below the sentence there may be one command to type next.
    """
    from glad.cli import main

    def run(*words: object) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        said = capsys.readouterr().err
        assert left.value.code == 2, said
        lines = [line for line in said.splitlines() if line.strip()]
        assert "Traceback" not in said and len([line for line in lines if line.startswith("glad: ")]) == 1, said
        command = [lines.pop().strip()] if lines[-1].strip().startswith("glad prepare ") else []
        assert lines[-1].startswith("glad: "), said
        return " ".join([lines[-1].removeprefix("glad: "), *command])

    return run
