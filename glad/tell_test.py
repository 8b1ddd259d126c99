"""What is told of many videos, of broken ones among them, and of a camera."""

import json
from pathlib import Path

import numpy as np
import pytest

import glad.tell
from glad.data.film import write_film
from glad.data.movie import MovieFile
from glad.errors import UserError
from glad.predict import Predictor
from glad.run import Run
from glad.tell import Wishes, tell
from glad.training import train


@pytest.fixture(scope="module")
def predictor(square_recipe, tmp_path_factory) -> Predictor:
    run: Run = train(square_recipe(), tmp_path_factory.mktemp("tell") / "run", workers=0)
    return Predictor(run)


@pytest.fixture
def clips(square_videos, tmp_path, monkeypatch) -> Path:
    """The current folder, with three videos of 12 frames, 12 a second, below `clips/`: two of them are called alike."""
    monkeypatch.chdir(tmp_path)
    found = square_videos("test", 3)
    for name, (_, _, frames) in zip(("a.mp4", "b.mp4", "deep/a.mp4"), found, strict=True):
        write_film(Path("clips") / name, frames, np.arange(13) / 12)
    return tmp_path


def broken(clips: Path) -> None:
    """Make `b.mp4` empty, and put one more among the clips that is cut short."""
    whole = (clips / "clips" / "b.mp4").read_bytes()
    (clips / "clips" / "b.mp4").write_bytes(b"")
    (clips / "clips" / "c.mp4").write_bytes(whole[: len(whole) // 2])


def test_lines_to_read_and_of_json(predictor, clips, capsys):
    assert tell(predictor, ["clips"], Wishes(), []) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["clips/a.mp4", "clips/b.mp4", "clips/deep/a.mp4"]
    assert tell(predictor, ["clips/*.mp4", "-"], Wishes(json=True, top=1, unknown=1.0), ["clips/deep/a.mp4\n"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["video"] for row in rows] == ["clips/a.mp4", "clips/b.mp4", "clips/deep/a.mp4"]
    assert {row["class"] for row in rows} == {"unknown"} and {len(row["probabilities"]) for row in rows} == {1}


@pytest.mark.parametrize("window", [None, 0.5])
def test_broken_videos_are_named_and_counted_and_stop_none_of_the_others(predictor, clips, capsys, window):
    broken(clips)
    assert tell(predictor, ["clips"], Wishes(json=True, window=window), []) == 1
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    good = [row["video"] for row in rows if "class" in row]
    assert list(dict.fromkeys(good)) == ["clips/a.mp4", "clips/deep/a.mp4"]
    assert {row["video"]: row["error"] for row in rows if "error" in row}.keys() == {"clips/b.mp4", "clips/c.mp4"}
    lines = said.err.splitlines()
    assert "left out: clips/b.mp4 is an empty file" in lines and any("clips/c.mp4" in line for line in lines)
    assert lines[-1] == "2 of 4 videos could not be read; they are named above"


def test_where_nothing_can_be_read_the_status_is_that_of_a_mistake(predictor, clips, capsys):
    broken(clips)
    assert tell(predictor, ["clips/b.mp4", "clips/c.mp4"], Wishes(), []) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "2 of 2 videos could not be read; they are named above"
    for wishes in (Wishes(), Wishes(window=0.5)):
        with pytest.raises(UserError, match=r"^clips/b\.mp4 is an empty file$"):
            tell(predictor, ["clips/b.mp4"], wishes, [])


def test_windows_are_told_as_segments_or_one_by_one_in_json(predictor, clips, capsys):
    wishes = Wishes(window=0.5, stride=0.25, timeline=Path("out/lines"))
    assert tell(predictor, ["clips"], wishes, []) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "clips/a.mp4: 3 windows" and "      0.00 – " in said
    kinds = ("csv", "json", "png")
    names = ("clips__a.mp4", "clips__b.mp4", "deep__a.mp4")
    assert sorted(path.name for path in Path("out/lines").iterdir()) == [
        f"{n}.timeline.{k}" for n in names for k in kinds
    ]
    assert tell(predictor, ["clips/a.mp4"], Wishes(window=0.5, json=True), []) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["video"], row["start"], row["end"]) for row in rows] == [
        ("clips/a.mp4", 0, 0.5),
        ("clips/a.mp4", 0.5, 1),
    ]


@pytest.mark.parametrize("window", [None, 0.5])
def test_films_are_written_beside_each_other(predictor, clips, window):
    before = {path: path.read_bytes() for path in Path("clips").rglob("*.mp4")}
    assert tell(predictor, ["clips/a.mp4", "clips/b.mp4"], Wishes(annotate=Path("clips"), window=window), []) == 0
    for name in "ab":
        film = MovieFile(Path("clips") / f"{name}.annotated.mp4").frames(np.arange(12))
        assert film.shape == (12, 24, 24, 3)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_saliency_is_pictures_a_table_and_films(predictor, clips, capsys):
    assert tell(predictor, ["clips"], Wishes(saliency=Path("out"), film=True), []) == 0
    names = ("clips__a.mp4", "clips__b.mp4", "deep__a.mp4")
    expected = [f"{name}.saliency.{kind}" for name in names for kind in ("mp4", "png")]
    assert sorted(path.name for path in Path("out").iterdir()) == sorted([*expected, "saliency.csv"])
    rows = Path("out/saliency.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["clips/a.mp4", "clips/b.mp4", "clips/deep/a.mp4"]


def test_what_cannot_be_written_stops_at_once(predictor, clips, monkeypatch, capsys):
    Path("file").write_text("mine")
    with pytest.raises(UserError, match="file cannot be written: a file is where a folder should be"):
        tell(predictor, ["clips"], Wishes(annotate=Path("file")), [])
    assert capsys.readouterr().out == ""

    def full(*given):
        raise UserError("out/a.mp4 cannot be written: no space left on device") from OSError(28, "full")

    monkeypatch.setattr(glad.tell, "annotate", full)
    with pytest.raises(UserError, match="no space left"):
        tell(predictor, ["clips"], Wishes(annotate=Path("out")), [])
    assert "left out" not in capsys.readouterr().err


def test_a_video_that_is_named_twice_is_written_once_and_counts_once(predictor, clips, capsys):
    Path("clips/b.mp4").write_bytes(b"")
    assert tell(predictor, ["clips/b.mp4", "clips/a.mp4", "clips/b.mp4"], Wishes(saliency=Path("out")), []) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "1 of 2 videos could not be read; they are named above"


class Watched:
    """A camera that shows the frames of a video and is then interrupted, as by Ctrl-C."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames = iter(frames)

    def read(self):
        frame = next(self.frames, None)
        if frame is None:
            raise KeyboardInterrupt
        return True, np.ascontiguousarray(frame[..., ::-1])


def test_a_camera_is_told_recording_by_recording_until_it_is_interrupted(predictor, clips, capsys, monkeypatch):
    frames = MovieFile(Path("clips/a.mp4")).frames(np.arange(12))
    monkeypatch.setattr(glad.tell, "recordings", lambda capture, seconds: by_count(capture))
    monkeypatch.setattr(
        glad.tell, "open_camera", lambda number: Watched(np.concatenate([frames, frames[::-1], frames[:5]]))
    )
    assert tell(predictor, ["0"], Wishes(json=True, seconds=2), []) == 0
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row["video"] for row in rows] == ["camera 0"] * 2
    for row, shown in zip(rows, (frames, frames[::-1]), strict=True):
        assert row["probabilities"] == json.loads(predictor.predict(shown).as_json())["probabilities"]
    assert said.err.splitlines()[0] == "camera 0: a prediction of every 2 s; Ctrl-C ends"


def by_count(capture):
    """Yield recordings of twelve frames."""
    while True:
        yield np.stack([capture.read()[1][..., ::-1] for _ in range(12)])


def test_a_camera_has_no_files(predictor):
    for wishes in (Wishes(window=1.0), Wishes(annotate=Path("out"))):
        with pytest.raises(UserError, match="of a camera there are predictions alone"):
            tell(predictor, ["0"], wishes, [])


@pytest.mark.parametrize(
    "wishes, told",
    [
        (Wishes(window=0.0), "--window is 0; a number above 0 is expected"),
        (Wishes(window=1.0, stride=-2.0), "--stride is -2"),
        (Wishes(fps=float("inf")), "--fps is inf"),
        (Wishes(seconds=float("nan")), "--seconds is nan"),
        (Wishes(top=0), "--top is 0; at least one class"),
        (Wishes(unknown=40.0), "--unknown is 40; a probability from 0 to 1 is expected"),
        (Wishes(timeline=Path("out")), "--timeline is about windows; give --window SECONDS too"),
        (Wishes(stride=1.0), "--stride is about windows; give --window SECONDS too"),
        (Wishes(window=1.0, saliency=Path("out")), "--saliency is of whole videos; leave --window out"),
        (Wishes(film=True), "--saliency-film lies beside the pictures; give --saliency FOLDER too"),
    ],
)
def test_wishes_that_cannot_be_meant(wishes, told):
    with pytest.raises(UserError) as refused:
        wishes.check()
    assert told in str(refused.value)
    Wishes(window=2.0, stride=1.0, timeline=Path("out")).check()
