from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from glad.data.packets import _index, _remembered, indexed, packet_index
from glad.errors import UserError


def test_frames_are_counted_in_the_order_shown_and_reached_from_the_key_frame_shown_before():
    # Stored I0 P3 B1 B2 | I6 B4 B5 P7: B4 and B5 are shown before the key frame they are stored behind.
    times: list[int | None] = [0, 30, 10, 20, 60, 40, 50, 70]
    index = _index(times, [True, False, False, False, True, False, False, False], [True] * 8)
    assert index.times.tolist() == [0, 10, 20, 30, 40, 50, 60, 70]
    assert index.key.tolist() == [0, 0, 0, 0, 0, 0, 4, 4]
    assert [index.packet_at(time) for time in (0, 30, 10, 60, 70, 71, None)] == [0, 1, 2, 4, 7, None, None]
    assert [index.frame_at(time) for time in (0, 30, 60, 65)] == [0, 3, 6, None]
    assert index.time_of(4) == 60


def test_packets_which_are_not_shown_are_no_frames_but_may_be_started_from():
    index = _index([-20, -10, 0, 10], [True, False, False, False], [False, False, True, True])
    assert index.times.tolist() == [0, 10] and index.key.tolist() == [0, 0]
    assert index.time_of(0) == -20 and index.packet_at(-10) == 1 and index.frame_at(-10) is None


def test_a_file_that_starts_without_a_key_frame_is_read_from_its_start():
    assert _index([0, 10, 20], [False, False, True], [True] * 3).key.tolist() == [0, 0, 2]
    assert _index([0, 10, 20], [False] * 3, [True] * 3).key.tolist() == [0, 0, 0]


@pytest.mark.parametrize("times", [[0, None, 20], [0, 10, 10]])
def test_unknown_or_doubtful_times_leave_the_index_empty(times: list[int | None]):
    assert len(_index(times, [True] * 3, [True] * 3).times) == 0


def test_the_memory_of_indices_is_bounded():
    assert _remembered.cache_info().maxsize == 256


@pytest.mark.parametrize("at_start", [True, False])
def test_a_file_opened_with_its_index_is_at_its_start_or_was_opened_once(
    at_start: bool, tmp_path: Path, make_movie: Callable, monkeypatch: pytest.MonkeyPatch
):
    path = make_movie(tmp_path / "a.mp4", count=5, b_frames=2)
    opens = []
    real = av.open
    monkeypatch.setattr(av, "open", lambda *given, **more: opens.append(1) or real(*given, **more))
    for known in (False, True):
        opens.clear()
        with indexed(path, at_start=at_start) as (container, stream, index):
            packets = [packet.pts for packet in container.demux(stream) if packet.size]
        assert len(opens) == (2 if at_start and not known else 1)
        assert sorted(packets) == (index.times.tolist() if at_start or known else [])


def test_a_file_that_was_refused_is_refused_again(tmp_path: Path, make_movie: Callable):
    path = make_movie(tmp_path / "a.mp4", container={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    for _ in range(2):
        with pytest.raises(UserError, match=r"cut short or damaged"):
            packet_index(path)


def test_a_missing_an_empty_and_a_foreign_file_are_refused_by_name(tmp_path: Path):
    with pytest.raises(UserError, match=r"a\.mp4 cannot be opened as a video: no such file"):
        packet_index(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").touch()
    with pytest.raises(UserError, match=r"b\.mp4 is an empty file"):
        packet_index(tmp_path / "b.mp4")
    (tmp_path / "c.mp4").write_text("not a video\n" * 100)
    with pytest.raises(UserError, match=r"c\.mp4 cannot be opened as a video: invalid data"):
        packet_index(tmp_path / "c.mp4")


def test_sound_alone_is_no_video(tmp_path: Path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(UserError, match=r"a\.wav holds no video stream"):
        packet_index(path)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.mp4", {"container": {"movflags": "faststart"}}, r"cut short or damaged: it stops after \d+ of 60 frames"),
        ("a.mp4", {}, r"cannot be opened as a video"),
        ("a.avi", {"codec": "mpeg4"}, r"cut short or damaged: it stops after \d+ of 60 frames"),
        ("a.mkv", {}, r"it stops after \d+ frames"),
        ("a.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime"}}, r"it stops after \d+ frames"),
        ("a.gif", {"codec": "gif", "pixels": "rgb8"}, r"it stops after \d+ frames, without the end mark of a GIF"),
    ],
)
def test_a_file_cut_short_is_refused(name: str, options: dict, message: str, tmp_path: Path, make_movie: Callable):
    path = make_movie(tmp_path / name, **options)
    assert len(packet_index(path).times) == 60
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(UserError, match=rf"{name} .*{message}"):
        packet_index(path)
