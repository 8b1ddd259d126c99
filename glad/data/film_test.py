"""A film shows the frames it was made of, at their times, in their colours; half a film is never left behind."""

import av
import numpy as np
import pytest

from glad.data import film
from glad.data.clock import clock
from glad.data.film import write_film
from glad.data.movie import MovieFile
from glad.errors import UserError

COLOURS = np.array([[200, 30, 30], [30, 160, 40], [20, 40, 210], [128, 128, 128], [250, 240, 20]], np.uint8)


def plain(height: int, width: int) -> np.ndarray:
    """Return a frame of each of `COLOURS`."""
    return np.broadcast_to(COLOURS[:, None, None], (5, height, width, 3)).copy()


@pytest.mark.parametrize("rate", [25.0, 30000 / 1001, 10.0])
def test_frames_keep_their_times_and_colours(tmp_path, rate):
    seconds = np.arange(6) / rate
    write_film(path := tmp_path / "new" / "a.mp4", plain(48, 64), seconds)
    assert clock(path) == pytest.approx(seconds, abs=1e-5)
    found = MovieFile(path).frames(np.arange(5)).astype(int)
    assert found.shape == (5, 48, 64, 3)
    assert np.abs(found.mean(axis=(1, 2)) - COLOURS).max() < 4
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (int(stream.codec_context.colorspace), int(stream.codec_context.color_range)) == (1, 1)
        assert stream.average_rate is not None and float(stream.average_rate) == pytest.approx(rate, rel=1e-3)


def test_times_may_be_uneven(tmp_path):
    seconds = np.array([0, 0.04, 0.14, 0.18, 0.5, 0.54])
    write_film(tmp_path / "a.mp4", plain(32, 32), seconds)
    assert clock(tmp_path / "a.mp4")[:-1] == pytest.approx(seconds[:-1], abs=1e-5)


def test_odd_sides_get_one_more(tmp_path):
    write_film(tmp_path / "a.mp4", plain(33, 47), np.arange(6) / 25)
    assert MovieFile(tmp_path / "a.mp4").frames([0]).shape == (1, 34, 48, 3)


def test_a_film_that_fails_leaves_nothing_and_keeps_what_was_there(tmp_path):
    (tmp_path / "a.mp4").write_text("before")

    def frames():
        yield from plain(32, 32)[:2]
        raise UserError("frame 2 cannot be decoded")

    with pytest.raises(UserError, match="frame 2"):
        write_film(tmp_path / "a.mp4", frames(), np.arange(6) / 25)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"] and (tmp_path / "a.mp4").read_text() == "before"


def test_without_an_encoder_there_is_one_sentence(tmp_path, monkeypatch):
    def none(name, mode):
        raise film.UnknownCodecError(name)

    monkeypatch.setattr(film, "Codec", none)
    with pytest.raises(UserError, match=r"cannot write H\.264"):
        write_film(tmp_path / "a.mp4", plain(32, 32), np.arange(6) / 25)
