"""An annotated film is the video with a bar at its lower edge that says what was seen when."""

import numpy as np
import pytest

from glad.annotate import Caption, annotate, bar, captions, with_captions
from glad.data.clock import clock
from glad.data.movie import MovieFile
from glad.errors import UserError
from glad.predict import Prediction
from glad.timeline import Timeline

SAID = Prediction("v.mp4", ("run", "sit"), (0.5, 0.25))


@pytest.mark.parametrize("width, height", [(320, 240), (1280, 720), (64, 48), (40, 24), (101, 77)])
def test_a_bar_has_a_row_for_each_class_as_long_as_it_is_probable(width, height):
    drawn = bar(SAID, width, height)
    rows = drawn.shape[0] // 2
    assert drawn.shape[1:] == (width, 4) and drawn.shape[0] % 2 == 0 and drawn.shape[0] <= height
    assert rows >= min(11, height // 2)
    for row, share in ((0, 0.5), (1, 0.25)):
        line = drawn[row * rows + rows // 2, :, 3].astype(int)
        inside = line[int(0.8 * share * width) : int(share * width) - 1]
        assert np.median(inside) > np.median(line[int(share * width) + 2 :]) + 20


def test_the_first_row_tells_by_its_colour_whether_the_class_is_believed():
    sure = bar(Prediction("v", ("run", "sit"), (0.9, 0.1), 0.5), 320, 240)
    doubt = bar(Prediction("v", ("run", "sit"), (0.9, 0.1), 0.95), 320, 240)
    place = sure.shape[0] // 4, 250
    assert sure[place][1] > sure[place][0] and doubt[place][0] > doubt[place][1]


def test_any_name_can_be_drawn():
    for name in ("$x$", "名", "a" * 500, "\u202e"):
        assert bar(Prediction("v", (name,), (1.0,)), 64, 48).shape[1] == 64


def test_captions_of_windows_follow_one_another():
    rows = np.array([[1, 0], [0, 1]], np.float32)
    said = Timeline("v", ("run", "sit"), np.array([0.0, 1.0]), np.array([2.0, 3.0]), rows)
    found = captions(said)
    assert [(one.start, one.end, one.said.name) for one in found] == [(0, 1.5, "run"), (1.5, float("inf"), "sit")]
    assert captions(SAID) == [Caption(0.0, float("inf"), SAID)]


def test_frames_get_the_caption_of_their_time_and_between_windows_none():
    frames = [np.full((60, 80, 3), 100, np.uint8) for _ in range(5)]
    red, green = (Prediction("v", (name,), (1.0,), limit) for name, limit in (("a", 1.1), ("b", 0.0)))
    said = [Caption(0, 1, red), Caption(2, 3, green)]
    found = list(with_captions(iter(frames), np.arange(6) * 0.75, said))  # at 0, 0.75, 1.5, 2.25, 3
    spots = [frame[-4, 75].astype(int) for frame in found]
    assert spots[0][0] > spots[0][1] and (spots[1] == spots[0]).all()
    assert (spots[2] == 100).all()
    assert spots[3][1] > spots[3][0] and (spots[4] == spots[3]).all()  # the last one stays
    assert all((frame[:40] == 100).all() and frame.shape == (60, 80, 3) for frame in found)
    assert all((frame == 100).all() for frame in frames)


@pytest.mark.parametrize("degrees", [0, 90])
def test_a_film_keeps_size_and_times_and_stands_upright(degrees, tmp_path, upright):
    path = upright(tmp_path / "a.mp4", degrees)
    annotate(path, SAID, tmp_path / "out" / "a.annotated.mp4")
    before, after = (MovieFile(p).frames(np.arange(10)).astype(int) for p in (path, tmp_path / "out/a.annotated.mp4"))
    assert after.shape == before.shape == ((10, 96, 64, 3) if degrees else (10, 64, 96, 3))
    assert clock(tmp_path / "out" / "a.annotated.mp4") == pytest.approx(clock(path), abs=1e-4)
    assert np.abs(after[:, :30] - before[:, :30]).mean() < 6
    assert np.abs(after[:, -15:] - before[:, -15:]).mean() > 30


@pytest.fixture
def upright():
    """A function that writes a film of 10 frames, 12.5 a second, which is to be shown rotated."""
    import av

    def write(path, degrees):
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libx264", rate=25, options={"crf": "5"})
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            stream.set_display_rotation(degrees)
            for index in range(10):
                picture = np.full((64, 96, 3), 200, np.uint8)
                picture[:, : 8 * index + 1] = 120
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts = 2 * index
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        return path

    return write


def test_frames_without_a_rate_need_one(tmp_path):
    frames = np.full((4, 48, 64, 3), 90, np.uint8)
    with pytest.raises(UserError, match="4 frames does not say how many frames make a second"):
        annotate(frames, SAID, tmp_path / "a.mp4")
    annotate(frames, SAID, tmp_path / "a.mp4", fps=8)
    assert clock(tmp_path / "a.mp4") == pytest.approx(np.arange(5) / 8)


def test_a_video_that_breaks_off_leaves_no_film(tmp_path, upright):
    whole = upright(tmp_path / "a.mp4", 0).read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"a\.mp4"):
        annotate(tmp_path / "a.mp4", SAID, tmp_path / "out" / "a.annotated.mp4")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
