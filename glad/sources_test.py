"""Words mean videos: files, folders, patterns, lines of stdin, or a camera."""

from pathlib import Path

import pytest

from glad.data.image import write_jpeg
from glad.data.listing import open_listing
from glad.data.packing import pack_frames
from glad.errors import UserError
from glad.sources import camera_in, short_names, videos_of


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A current folder with two clips, one with a bracket in its name, notes, and two folders of frames."""
    import numpy as np

    monkeypatch.chdir(tmp_path)
    for name in ("clips/b.mp4", "clips/a.avi", "clips/deep/c.MP4", "odd[1].mp4"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")
    Path("clips/notes.md").write_text("notes")
    Path("clips/list.txt").write_text("list")
    for name in ("frames/one", "frames/two"):
        write_jpeg(Path(name) / "img_00001.jpg", np.zeros((8, 8, 3), np.uint8))
    return tmp_path


def named(words: list[str], lines: list[str] | None = None) -> list[str]:
    return [str(path) for path in videos_of(words, lines or [])]


@pytest.mark.parametrize(
    "words, expected",
    [
        (["clips/b.mp4", "clips/a.avi"], ["clips/b.mp4", "clips/a.avi"]),
        (["clips"], ["clips/a.avi", "clips/b.mp4", "clips/deep/c.MP4"]),
        (["frames/one", "frames"], ["frames/one", "frames/one", "frames/two"]),
        (["clips/*.mp4"], ["clips/b.mp4"]),
        (["clips/*"], ["clips/a.avi", "clips/b.mp4", "clips/deep/c.MP4"]),
        (["**/*.[mM][pP]4"], ["clips/b.mp4", "clips/deep/c.MP4", "odd[1].mp4"]),
        (["frames/**"], ["frames/one", "frames/two"]),
        (["odd[1].mp4"], ["odd[1].mp4"]),
        (["clips/?.avi", "frames/t*"], ["clips/a.avi", "frames/two"]),
    ],
)
def test_words_mean_videos(here, words, expected):
    assert named(words) == expected


def test_a_pattern_may_be_absolute(here):
    assert named([f"{here}/clips/*.avi"]) == [f"{here}/clips/a.avi"]


def test_a_dash_is_for_the_lines_of_stdin(here):
    assert named(["-"], ["clips/b.mp4\n", "\n", "frames\n", "gone.mp4"]) == [
        "clips/b.mp4",
        "frames/one",
        "frames/two",
        "gone.mp4",  # found missing when it is opened: it stops none of the others
    ]
    with pytest.raises(UserError, match="there are no paths on stdin; one a line is expected"):
        named(["-"], ["\n"])


def test_a_pack_stands_for_its_videos(here):
    pack_frames(open_listing(here / "frames", labelled=False), Path("frames.pack"))
    assert named(["frames.pack"]) == named(["frames.p*"]) == ["frames.pack/one", "frames.pack/two"]
    assert named(["frames.pack/two"]) == ["frames.pack/two"]
    with pytest.raises(UserError, match="three"):
        named(["frames.pack/three"])


@pytest.mark.parametrize(
    "word, told",
    [
        ("gone.mp4", "there is no video at gone.mp4, neither a folder of frames nor a video file"),
        ("clips/list.txt", "clips/list.txt is a list and no video"),
        ("empty", "empty holds neither numbered images"),
        ("*.webm", r"\*.webm matches no video$"),
        ("clips/*.md", r"clips/\*.md matches no video, only such as clips/notes.md"),
    ],
)
def test_what_means_no_video_is_refused(here, word, told):
    (here / "empty").mkdir()
    with pytest.raises(UserError, match=told):
        named(["clips/b.mp4", word])


def test_a_number_is_a_camera_unless_a_file_is_called_so(here):
    assert camera_in(["0"]) == 0 and camera_in(["12"]) == 12
    assert camera_in(["clips"]) is None and camera_in(["-"]) is None and camera_in(["²"]) is None
    with pytest.raises(UserError, match="1 is the number of a camera, and a camera is predicted alone"):
        camera_in(["clips", "1"])
    (here / "7").mkdir()
    assert camera_in(["7"]) is None and camera_in(["7", "clips"]) is None


@pytest.mark.parametrize(
    "videos, expected",
    [
        (["x/a.mp4", "x/b.avi", "y/c"], ["a", "b", "c"]),
        (["x/a.mp4", "x/a.avi"], ["a.mp4", "a.avi"]),
        (["x/a.mp4", "y/a.mp4"], ["x__a.mp4", "y__a.mp4"]),
        (["/x/a.mp4", "/y/z/a.mp4", "/y/x/a.mp4"], ["x__a.mp4", "y__z__a.mp4", "y__x__a.mp4"]),
        (["a.mp4", "a.mp4"], ["a", "a"]),
        (["v1.2"], ["v1.2"]),
        (["a.mp4", "/a.mp4"], ["0__a.mp4", "1__a.mp4"]),
    ],
)
def test_short_names_tell_videos_apart(videos, expected):
    found = short_names(videos)
    assert [found[video] for video in videos] == expected
