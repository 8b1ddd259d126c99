import gc
import pickle
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from glad.data import movie
from glad.data.movie import MovieFile, frame_count
from glad.errors import UserError

VFR = np.cumsum([20, 40, 200, 33] * 15).tolist()
FORMS = {
    "gop 1": ("a.mp4", {"gop": 1}),
    "gop 12": ("a.mp4", {"gop": 12}),
    "gop 250": ("a.mp4", {"gop": 250}),
    "b-frames": ("a.mp4", {"gop": 12, "b_frames": 3}),
    "open gop": ("a.mp4", {"b_frames": 3, "options": {"x264-params": "open-gop=1:scenecut=0"}}),
    "variable rate": ("a.mp4", {"times": VFR, "b_frames": 2}),
    "odd size": ("a.mp4", {"size": (63, 47), "pixels": "yuv444p"}),
    "10 bit": ("a.mp4", {"pixels": "yuv420p10le"}),
    "fragments": ("a.mp4", {"container": {"movflags": "frag_keyframe+empty_moov"}}),
    "matroska": ("a.mkv", {"b_frames": 3}),
    "intra refresh": ("a.mkv", {"options": {"x264-params": "intra-refresh=1"}}),
    "vp9": ("a.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}),
    "transport stream": ("a.ts", {"b_frames": 3}),
    "program stream": ("a.mpg", {"codec": "mpeg2video", "b_frames": 2}),
    "avi": ("a.avi", {"codec": "mpeg4"}),
    "avi, b-frames": ("a.avi", {"codec": "mpeg4", "b_frames": 2}),
    "avi, h264 b-frames": ("a.avi", {"b_frames": 3}),
    "avi, gap": ("a.avi", {"codec": "mpeg4", "times": [40 * i + 2000 * (i > 30) for i in range(60)]}),
    "gif": ("a.gif", {"codec": "gif", "pixels": "rgb8"}),
}


def decoded(path: Path) -> list[np.ndarray]:
    """Return all frames by decoding from start to end."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(container.streams.best("video"))]


@pytest.mark.parametrize("form", FORMS)
def test_any_frames_in_any_order_are_those_of_a_full_decode(form: str, tmp_path: Path, make_movie: Callable):
    name, options = FORMS[form]
    path = make_movie(tmp_path / name, **options)
    video, expected = MovieFile(path), decoded(path)
    assert len(video) == len(expected) == 60
    rng = np.random.default_rng(0)
    for asked in ([0], [59], [59, 0, 30, 30, 0], *(rng.integers(0, 60, 1 + k).tolist() for k in range(8)), range(60)):
        found = video.frames(asked)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, np.stack([expected[i] for i in asked]))
    if form != "gif":  # whose palette is coarse
        np.testing.assert_allclose(found[:, 5:, 5:].mean((1, 2, 3)), 16 + 3 * np.arange(60), atol=4)


def test_real_videos_of_many_codecs_agree_with_a_full_decode(shared_data: Path):
    rng = np.random.default_rng(0)
    paths = sorted(p for p in (shared_data / "real_clips").iterdir() if p.suffix in movie.MOVIE_SUFFIXES)
    assert len(paths) >= 10
    for path in paths:
        video = MovieFile(path)
        asked = rng.integers(0, len(video), 5)
        found, count = video.frames(asked), 0
        with av.open(str(path)) as container:
            for count, frame in enumerate(container.decode(container.streams.best("video")), start=1):
                if count - 1 in asked:
                    expected = frame.to_ndarray(format="rgb24")
                    for place in np.flatnonzero(asked == count - 1):
                        np.testing.assert_array_equal(found[place], expected, err_msg=str(path))
        assert count == len(video), path


def test_only_what_leads_to_a_frame_is_decoded(tmp_path: Path, make_movie: Callable):
    path = make_movie(tmp_path / "a.mp4", gop=12)

    def passed(*wanted: int) -> list[int]:
        return [number for number, _ in movie._passed(path, np.array(wanted), True)]

    assert passed(2) == [0, 1, 2]
    assert passed(14) == [12, 13, 14]
    assert passed(13, 14) == [12, 13, 14]
    assert passed(1, 50) == [0, 1, 48, 49, 50]
    assert passed(11, 13) == [*range(14)]


def test_a_repeated_frame_is_converted_once(tmp_path: Path, make_movie: Callable, monkeypatch: pytest.MonkeyPatch):
    path = make_movie(tmp_path / "a.mp4")
    converted = []
    real = movie._pixels
    monkeypatch.setattr(movie, "_pixels", lambda *given: converted.append(1) or real(*given))
    assert MovieFile(path).frames([7, 3, 7, 3, 3]).shape == (5, 48, 64, 3)
    assert len(converted) == 2


def test_frames_leave_memory_one_by_one(tmp_path: Path, make_movie: Callable):
    """Without waiting for Python to look for circles, which it does rarely while frames are large."""
    video = MovieFile(make_movie(tmp_path / "a.mp4", count=30))
    gc.collect()
    gc.disable()
    try:
        for place, _ in enumerate(video.stream(np.arange(30))):
            if place == 25:
                assert sum(type(thing) is VideoFrame for thing in gc.get_objects()) <= 3
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("degrees", "black"),
    [(0, np.s_[:, :1]), (90, np.s_[-1:, :]), (180, np.s_[:, -1:]), (270, np.s_[:1, :])],
)
def test_a_stored_rotation_is_applied(degrees: int, black: tuple, tmp_path: Path, make_movie: Callable):
    path = make_movie(
        tmp_path / "a.mp4",
        count=2,
        pixels="yuv444p",
        levels=[200, 200],
        prepare=lambda stream: stream.set_display_rotation(degrees),
    )
    frame = MovieFile(path).frames([1])[0]
    assert frame.shape == ((64, 48, 3) if degrees % 180 else (48, 64, 3))
    assert frame[black].mean() < 50 < 150 < frame.mean()


def test_a_slant_is_refused(tmp_path: Path, make_movie: Callable):
    path = make_movie(tmp_path / "a.mp4", count=2, prepare=lambda stream: stream.set_display_rotation(30))
    with pytest.raises(UserError, match=r"a\.mp4 .* quarter turns"):
        MovieFile(path).frames([0])


def test_a_span_counts_from_its_offset(tmp_path: Path, make_movie: Callable):
    path = make_movie(tmp_path / "a.mp4")
    whole = MovieFile(path)
    assert len(MovieFile(path, offset=20)) == 40
    span = MovieFile(path, offset=20, length=5)
    assert len(span) == 5
    np.testing.assert_array_equal(span.frames([0, 4]), whole.frames([20, 24]))


def test_a_span_beyond_the_end_names_who_asked(tmp_path: Path, make_movie: Callable):
    path = make_movie(tmp_path / "a.mp4")
    with pytest.raises(UserError, match=r"^train\.txt line 3: .*a\.mp4 has 60 frames, but frame 62 "):
        MovieFile(path, offset=50, length=20, origin="train.txt line 3").frames([0, 12])
    with pytest.raises(UserError, match=r"has 60 frames, none from offset 60"):
        len(MovieFile(path, offset=60))


def test_a_span_beyond_the_end_of_a_file_without_times(tmp_path: Path, make_movie: Callable):
    path = make_movie(tmp_path / "a.avi", b_frames=3)
    with pytest.raises(UserError, match=r"a\.avi stops after 60 frames, but frame 62 "):
        MovieFile(path, offset=50, length=20).frames([0, 12])


def test_a_used_video_travels_to_another_process_and_holds_nothing(tmp_path: Path, make_movie: Callable):
    video = MovieFile(make_movie(tmp_path / "a.mp4"))
    video.frames([3])
    carried = pickle.dumps(video)
    assert len(carried) < 1000
    np.testing.assert_array_equal(pickle.loads(carried).frames([3]), video.frames([3]))


def test_a_replaced_file_is_looked_at_again(tmp_path: Path, make_movie: Callable):
    path = make_movie(tmp_path / "a.mp4", count=10)
    assert frame_count(path) == 10
    make_movie(path, count=20)
    assert frame_count(path) == 20


def test_damage_within_the_data_is_an_error(tmp_path: Path, make_movie: Callable):
    path = make_movie(tmp_path / "a.mp4", gop=250, options={"qp": "1"}, levels=[(i * 97) % 255 for i in range(60)])
    content = bytearray(path.read_bytes())
    place = content.index(b"mdat") + 1500
    content[place : place + 200] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"^frame \d+ \(from 0\) of 60 of .*a\.mp4 cannot be decoded: "):
        MovieFile(path).frames(range(60))


def test_a_video_that_changes_its_size_is_refused(monkeypatch: pytest.MonkeyPatch):
    sizes = [np.zeros((48, 64, 3), np.uint8), np.zeros((48, 96, 3), np.uint8)]
    monkeypatch.setattr(movie, "_decoded", lambda path, wanted: iter(sizes))
    with pytest.raises(UserError, match=r"^a\.mp4 changes its size within the video, from 64x48 to 96x48"):
        MovieFile(Path("a.mp4")).frames([0, 1])
